/** Tabs of a lead's page, after the ARIA pattern: arrows move, the address remembers. */
const page = document.querySelector("#lead-page");
const tabs = [...page.querySelectorAll('[role="tab"]')];
// The edit form is not inside the page's box: it belongs to the last tab.
const details = page.dataset.details.split(" ").map((id) => document.getElementById(id));

function open(name, focus) {
  for (const tab of tabs) {
    const chosen = tab.getAttribute("aria-controls") === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) tab.focus();
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
  for (const part of details) if (part) part.style.display = name === "details" ? "" : "none";
}

tabs.forEach((tab, index) => {
  const name = tab.getAttribute("aria-controls");
  tab.addEventListener("click", () => {
    history.replaceState(null, "", `#${name}`);
    open(name);
  });
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    open(next.getAttribute("aria-controls"), true);
  });
});

for (const button of page.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(button.dataset.copy);
    button.textContent = "copied";
  });
}

const asked = location.hash.slice(1);
const known = tabs.some((tab) => tab.getAttribute("aria-controls") === asked);
open(page.dataset.open || (known ? asked : "overview"));
