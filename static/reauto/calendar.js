/** Drag an appointment to another time or representative; the server decides, after a question. */
const SNAP = 15;
const calendar = document.querySelector(".calendar");
const dialog = document.querySelector("#move-dialog");
const words = document.querySelector("#move-words");
const problem = document.querySelector("#move-problem");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const columns = calendar ? [...calendar.querySelectorAll(".calendar-column")] : [];

const clock = (minute) => `${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, "0")}`;
const pad = (minute) => clock(minute).padStart(5, "0");

function place(event, grip) {
  const column = columns.find((each) => {
    const box = each.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX < box.right;
  });
  if (!column) return null;
  const box = column.getBoundingClientRect();
  const total = Number(calendar.style.getPropertyValue("--minutes"));
  const begins = Number(calendar.dataset.begins);
  const raw = begins + ((event.clientY - grip - box.top) / box.height) * total;
  const minute = Math.round(raw / SNAP) * SNAP;
  return { column, minute: Math.max(begins, Math.min(minute, begins + total - SNAP)) };
}

function ask(text, why) {
  words.textContent = text;
  problem.textContent = why ?? "";
  problem.hidden = !why;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "move"), { once: true });
  });
}

async function send(block, to, anyway) {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token);
  form.set("rep", to.column.dataset.rep);
  form.set("starts_at", `${to.column.dataset.day}T${pad(to.minute)}`);
  form.set("minutes", block.dataset.minutes);
  if (anyway) form.set("anyway", "on");
  const answer = await fetch(block.dataset.move, {
    method: "POST", body: form, credentials: "same-origin", headers: { "X-Requested-With": "fetch" },
  });
  if (!answer.ok) return { error: "It could not be moved. Reload the page and try again." };
  return answer.json();
}

async function drop(block, to, back) {
  const text = `${block.dataset.lead}: ${to.column.dataset.day}, ${clock(to.minute)}, ${to.column.dataset.name}. Both sides are told by e-mail.`;
  let why;
  let anyway = false;
  while (await ask(text, why)) {
    const result = await send(block, to, anyway);
    if (result.moved) return location.reload();
    // What speaks against it may be overruled once it was read; a double booking may not.
    anyway = Boolean(result.problem);
    why = result.error || `${result.problem} Move it there anyway?`;
  }
  return back();
}

for (const block of document.querySelectorAll("[data-move]")) {
  block.draggable = false;
  block.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return;
    const start = { x: event.clientX, y: event.clientY };
    const grip = event.clientY - block.getBoundingClientRect().top;
    const home = block.parentElement;
    const at = block.style.getPropertyValue("--at");
    let to = null;
    const back = () => {
      home.append(block);
      block.style.setProperty("--at", at);
      block.classList.remove("dragged");
    };
    const follow = (moved) => {
      if (!to && Math.hypot(moved.clientX - start.x, moved.clientY - start.y) < 5) return;
      const found = place(moved, grip);
      if (!found) return;
      to = found;
      block.classList.add("dragged");
      to.column.append(block);
      block.style.setProperty("--at", String(to.minute));
    };
    const end = () => {
      document.removeEventListener("pointermove", follow);
      if (!to) return;
      block.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
      setTimeout(() => drop(block, to, back));
    };
    document.addEventListener("pointermove", follow);
    document.addEventListener("pointerup", end, { once: true });
  });
}
