/** The progress bar of an import, renewed every second; the page itself when the work is done. */
const EVERY_MS = 1000;
const work = document.querySelector("#import-work");
const bar = work.querySelector("[role=progressbar]");

function show(news) {
  bar.setAttribute("aria-valuenow", news.percent);
  bar.firstElementChild.style.width = `${news.percent}%`;
  work.querySelector(".import-percent").textContent = `${news.percent} %`;
  work.querySelector(".import-words").textContent = news.words;
  work.querySelector(".import-stalled").hidden = !news.stalled;
  for (const figure of work.querySelectorAll("[data-figure]")) {
    figure.textContent = news.figures[figure.dataset.figure] ?? figure.textContent;
  }
}

async function ask() {
  try {
    const answer = await fetch(work.dataset.progress, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const news = await answer.json();
    if (news.state !== work.dataset.state) return location.reload();
    show(news);
  } catch {
    // The next one may get through.
  }
  return setTimeout(ask, EVERY_MS);
}

setTimeout(ask, EVERY_MS / 2);
