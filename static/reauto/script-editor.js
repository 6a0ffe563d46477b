/** The script of a playbook, edited in place: parts added, removed and moved, and saved without
 * leaving the page, so that nothing typed is lost whatever the answer is. */
import { showConditions, showObjections } from "./script-choices.js";
import { showFaults, clearFaults } from "./script-faults.js";

const form = document.querySelector("#script-form");
const news = document.querySelector("#script-news");
const state = form.querySelector(".script-state");
const WORDS_A_SECOND = 2.6;
let dirty = false;
let made = 0;

const slug = (text) => text.trim().toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/* What a part shows of itself while it is closed, and what belongs to its kind of answer. */

function refreshItem(item) {
  const own = (name) => item.querySelector(`[name="${CSS.escape(`${item.dataset.item}.${name}`)}"]`);
  const named = own("slot") || own("key") || own("value");
  const spoken = own("ask") || own("answer") || own("triggers");
  item.querySelector("[data-heading]").textContent = named?.value.replaceAll("_", " ") || "New";
  item.querySelector("[data-first-line]").textContent = lines(spoken?.value || "")[0] || "";
  const type = own("type")?.value;
  if (!type) {
    note(item, own("refusal")?.checked ? ["a no to the whole matter"] : []);
    return;
  }
  const earlier = own("only_if.slot").value.replaceAll("_", " ");
  const answers = own("only_if.any_of").value;
  const least = own("only_if.at_least").value;
  const most = own("only_if.at_most").value;
  const bounds = [least && `at least ${least}`, most && `at most ${most}`].filter(Boolean).join(", ");
  note(item, [
    earlier && `only if ${earlier} is ${answers || bounds || "…"}`,
    !own("required").checked && "not needed to qualify",
  ]);
  for (const field of item.querySelectorAll("[data-only-for]")) {
    if (field.closest("[data-item]") === item) field.hidden = field.dataset.onlyFor !== type;
  }
}

function note(item, parts) {
  item.querySelector("[data-note]").textContent = parts.filter(Boolean).join(" · ");
}

function refreshPhrases(details) {
  const phrases = lines(details.querySelector("textarea").value);
  const summary = details.querySelector("summary");
  const shown = phrases.slice(0, 5).map((phrase) => {
    const word = document.createElement("i");
    word.textContent = phrase;
    return word;
  });
  const more = document.createElement("i");
  more.textContent = phrases.length ? `${phrases.length - 5} more` : "none yet";
  summary.replaceChildren(...shown, ...(phrases.length > 5 || !phrases.length ? [more] : []));
}

function refreshLength(area) {
  const note = area.parentElement.querySelector(".length") || document.createElement("small");
  const longest = Math.max(0, ...lines(area.value).map((line) => line.split(/\s+/).length));
  note.className = `length quiet${longest > 24 ? " long" : ""}`;
  note.textContent = longest ? `${longest} words · ${Math.max(1, Math.round(longest / WORDS_A_SECOND))} s` : "";
  area.after(note);
}

function fit(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

function refreshCounts() {
  for (const count of document.querySelectorAll("[data-count]")) {
    const list = document.querySelector(`#${count.dataset.count} [data-list]`);
    count.textContent = list.children.length;
  }
}

function refreshAll(root = form) {
  for (const item of root.querySelectorAll("[data-item]")) refreshItem(item);
  for (const details of root.querySelectorAll("details.phrases")) refreshPhrases(details);
  for (const area of root.querySelectorAll("textarea")) fit(area);
  showObjections(form, slug);
  showConditions(form, slug);
  refreshCounts();
}

function changed() {
  dirty = true;
  state.textContent = "Not saved yet";
}

/* Parts: added, removed, moved. */

function add(listName) {
  const list = form.querySelector(`[data-list="${CSS.escape(listName)}"]`);
  const blank = form.querySelector(`template[data-blank="${CSS.escape(listName)}"]`);
  const holder = document.createElement("template");
  const place = `__${listName.split(".").length}__`;
  made += 1;
  holder.innerHTML = blank.innerHTML.replaceAll(place, `n${made}`).trim();
  const item = holder.content.firstElementChild;
  list.append(item);
  refreshAll(item);
  item.querySelector("input:not([type=hidden]), textarea").focus();
  changed();
}

function remove(item) {
  const note = document.createElement("li");
  note.className = "undo";
  const name = item.querySelector("[data-heading]").textContent;
  const words = document.createElement("span");
  words.textContent = `“${name}” is taken out.`;
  const undo = document.createElement("button");
  undo.type = "button";
  undo.className = "btn";
  undo.textContent = "Put it back";
  undo.addEventListener("click", () => {
    note.replaceWith(item);
    refreshAll(item);
  });
  note.append(words, undo);
  item.replaceWith(note);
  undo.focus();
  refreshAll();
  refreshCounts();
  changed();
}

function move(item, where, button) {
  const beside = where === "up" ? item.previousElementSibling : item.nextElementSibling;
  if (!beside) return;
  if (where === "up") beside.before(item);
  else beside.after(item);
  showConditions(form, slug);
  button.focus();
  changed();
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const item = button.closest("[data-item]");
  if (button.dataset.add) add(button.dataset.add);
  else if ("remove" in button.dataset) remove(item);
  else if (button.dataset.move) move(item, button.dataset.move, button);
});

form.addEventListener("input", ({ target }) => {
  changed();
  if (target.matches("textarea")) fit(target);
  if (target.matches(".say")) refreshLength(target);
  const phrases = target.closest("details.phrases");
  if (phrases) refreshPhrases(phrases);
  for (let item = target.closest("[data-item]"); item; item = item.parentElement.closest("[data-item]")) {
    refreshItem(item);
  }
  clearFaults(target);
});

form.addEventListener("change", ({ target }) => {
  if (!target.closest("[data-condition]")?.querySelector("[data-answers]").contains(target)) {
    showObjections(form, slug);
    showConditions(form, slug);
  }
});

form.addEventListener("focusin", ({ target }) => {
  if (target.matches(".say")) refreshLength(target);
});

form.addEventListener("focusout", ({ target }) => {
  target.parentElement?.querySelector(".length")?.remove();
});

/* Saving. The answer is news on this page, or the page of what was saved. */

function tell(heading, ...rest) {
  const title = document.createElement("h3");
  title.textContent = heading;
  news.replaceChildren(title, ...rest);
  news.hidden = false;
  news.scrollIntoView({ block: "start" });
  news.focus({ preventScroll: true });
}

function paragraph(...parts) {
  const element = document.createElement("p");
  element.append(...parts);
  return element;
}

function tellChanged({ by, number, note }) {
  const base = form.elements.based_on.value;
  const look = document.createElement("a");
  Object.assign(look, {
    href: `${form.dataset.compare}?from=${base}&to=${number}`,
    target: "_blank",
    rel: "noopener",
    textContent: `See what ${by} changed`,
  });
  const over = document.createElement("button");
  Object.assign(over, { type: "button", className: "btn", textContent: "Save mine over it, as a draft" });
  over.addEventListener("click", () => {
    form.elements.based_on.value = number;
    save("draft");
  });
  tell(
    `Not saved: ${by} saved version ${number} while you were writing.`,
    paragraph(note ? `“${note}” ` : "", "Everything you wrote is still here. ", look, ", take over what you want to keep, then save yours over it."),
    over,
  );
}

async function save(how) {
  state.textContent = "Saving…";
  const body = new URLSearchParams(new FormData(form));
  body.set("do", how);
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (cookie) body.set("csrfmiddlewaretoken", cookie);
  try {
    const answer = await fetch(location.href, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      credentials: "same-origin",
    });
    const kind = answer.headers.get("Content-Type") || "";
    if (!kind.startsWith("application/json")) {
      if (answer.redirected || answer.status === 403) throw new Error("session");
      throw new Error("server");
    }
    const said = await answer.json();
    if (said.saved) {
      dirty = false;
      location.assign(said.saved);
      return;
    }
    state.textContent = "Not saved";
    if (said.changed) tellChanged(said.changed);
    else tell(...showFaults(form, said.faults));
  } catch (error) {
    state.textContent = "Not saved";
    const why = {
      session: "You are logged out, or may not change playbooks. Log in again in another tab, then save here: everything you wrote is still on this page.",
      server: "The server could not do it. Everything you wrote is still on this page; try again in a moment.",
    };
    tell("Not saved.", paragraph(why[error.message] || "The server cannot be reached. Everything you wrote is still on this page; try again when you are back online."));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  save(event.submitter?.value === "live" ? "live" : "draft");
});

addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});

/* The section that is being read lights up. */

const links = new Map([...document.querySelectorAll(".script-nav a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const section of document.querySelectorAll(".script-section")) watcher.observe(section);

refreshAll();
if (!news.hidden) news.focus();
