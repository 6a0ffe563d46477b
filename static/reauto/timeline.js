/** Older entries of a timeline are added below those that are shown; without script, links do. */
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-older]");
  if (!link || event.ctrlKey || event.metaKey || event.button) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.dataset.older, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const row = link.closest("li");
    row.insertAdjacentHTML("afterend", await answer.text());
    const next = row.nextElementSibling;
    row.remove();
    if (next) { next.tabIndex = -1; next.focus({ preventScroll: true }); }
  } catch {
    location.assign(link.href);
  }
});
