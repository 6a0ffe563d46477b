/** What has to be changed, shown where it stands. */

/** Return the element of the deepest place that a path of keys and positions leads to. */
function place(form, path) {
  let name = "";
  let found = null;
  for (const step of path) {
    if (typeof step === "number") {
      const list = form.querySelector(`[data-list="${CSS.escape(name)}"]`);
      const item = list && [...list.children].filter((each) => each.dataset.item)[step];
      if (!item) return [found, step];
      name = item.dataset.item;
    } else name = name ? `${name}.${step}` : step;
    const next = form.querySelector(`[data-node="${CSS.escape(name)}"]`);
    if (!next) return [found, null];
    found = next;
  }
  return [found, null];
}

function attach(form, { path, text }) {
  const [node, line] = place(form, path);
  if (!node) return null;
  const told = document.createElement("p");
  told.className = "fault";
  told.textContent = line === null ? text : `line ${line + 1}: ${text}`;
  const field = node.querySelector(":scope > div :is(textarea, input:not([type=hidden]), select)");
  const body = node.matches(".row") ? node.lastElementChild : null;
  if (node.matches(".row")) field?.setAttribute("aria-invalid", "true");
  if (body) body.append(told);
  else (node.querySelector(":scope > details > summary, :scope > legend") || node.firstElementChild).after(told);
  for (let inside = node.closest("[data-item]"); inside; inside = inside.parentElement.closest("[data-item]")) {
    inside.classList.add("has-fault");
    inside.querySelector(":scope > details").open = true;
  }
  for (let inside = node.querySelector("details.phrases"); inside; inside = null) inside.open = true;
  return node.matches(".row") ? field : node;
}

/** Show faults at their fields; return the news about them: a heading and a list of links. */
export function showFaults(form, faults) {
  for (const old of form.querySelectorAll(".fault")) old.remove();
  for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  for (const old of form.querySelectorAll(".has-fault")) old.classList.remove("has-fault");
  const list = document.createElement("ul");
  list.className = "consequences";
  for (const fault of faults) {
    const field = attach(form, fault);
    const entry = document.createElement("li");
    const words = fault.where ? `${fault.where}: ${fault.text}` : fault.text;
    if (field) {
      const link = document.createElement("a");
      link.href = "#script-news";
      link.textContent = words;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.scrollIntoView({ block: "center" });
        field.focus({ preventScroll: true });
      });
      entry.append(link);
    } else entry.textContent = words;
    list.append(entry);
  }
  const count = `${faults.length} thing${faults.length === 1 ? "" : "s"}`;
  return [`Not saved: ${count} to change. Everything you wrote is still here.`, list];
}

/** Take back what was said of a field once it is changed. */
export function clearFaults(field) {
  if (field.getAttribute("aria-invalid") !== "true") return;
  field.removeAttribute("aria-invalid");
  for (const told of field.closest("[data-node]").querySelectorAll(".fault")) told.remove();
  const item = field.closest("[data-item]");
  if (item && !item.querySelector("[aria-invalid=true]")) item.classList.remove("has-fault");
}
