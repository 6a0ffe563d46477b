/** The cards of live calls, renewed every second and a half. */
import { clock } from "./clock.js";
import { tellNextMinutes } from "./next-minute.js";

const EVERY_MS = 1500;
const page = document.querySelector("#live-calls");
const cards = page.querySelector("#live-cards");
const lost = page.querySelector("#feed-lost");

function show(news) {
  const wanted = new Set(news.cards.map((card) => `live-${card.id}`));
  for (const card of [...cards.children]) if (!wanted.has(card.id)) card.remove();
  for (const { id, html } of news.cards) {
    const holder = document.createElement("template");
    holder.innerHTML = html.trim();
    const fresh = holder.content.firstElementChild;
    const known = document.getElementById(`live-${id}`);
    // A card under the pointer or the keyboard is not pulled away: only its words change.
    if (!known) cards.append(fresh);
    else if (known.contains(document.activeElement)) {
      for (const part of [".live-words", "footer", "header", ".next-minute"]) {
        if (!known.querySelector(part).contains(document.activeElement)) {
          known.querySelector(part).replaceWith(fresh.querySelector(part));
        }
      }
    } else known.replaceWith(fresh);
  }
  tellNextMinutes(page);
  page.querySelector("#live-none").hidden = news.count > 0;
  const place = page.querySelector("#switch-place");
  if (!place.contains(document.activeElement)) place.innerHTML = news.switch;
}

async function ask() {
  try {
    const answer = await fetch(page.dataset.feed, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  setTimeout(ask, EVERY_MS);
}

setInterval(() => {
  tellNextMinutes(page);
  for (const card of cards.children) {
    const since = Number(card.dataset.answered);
    if (since) card.querySelector("[data-seconds]").textContent = clock(Date.now() / 1000 - since);
  }
}, 500);
tellNextMinutes(page);
setTimeout(ask, EVERY_MS);
