/** The progress bar of an evaluation, renewed every second; the page itself when it is over. */
const EVERY_MS = 1000;
const work = document.querySelector("#evaluation-work");
const bar = work.querySelector("[role=progressbar]");

async function ask() {
  try {
    const answer = await fetch(work.dataset.progress, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const news = await answer.json();
    if (news.over) return location.reload();
    bar.setAttribute("aria-valuenow", news.percent);
    bar.firstElementChild.style.width = `${news.percent}%`;
    work.querySelector(".work-percent").textContent = `${news.percent} %`;
    work.querySelector(".work-words").textContent = news.words;
  } catch {
    // The next one may get through.
  }
  return setTimeout(ask, EVERY_MS);
}

setTimeout(ask, EVERY_MS / 2);
