/** Try it: a chat with the agent over a WebSocket that lives as long as the talk. */
import * as board from "./rehearsal.js";

const at = (id) => document.getElementById(id);
const PREVIEW_AFTER_MS = 220;
const say = at("say");
const words = at("words");
const again = at("again");
let socket = null;
let ended = true;
let typing = 0;

function show(running) {
  ended = !running;
  say.hidden = at("try-keys").hidden = !running;
  again.hidden = running || !socket;
  at("begin").textContent = socket ? "Begin again" : "Begin";
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function take(message) {
  switch (message.kind) {
    case "started":
      show(true);
      words.focus();
      break;
    case "say":
      board.turn("agent", message.text, { marks: [message.agent] });
      board.speaking(message.agent, message.why);
      break;
    case "do":
      board.note(`The agent ${message.text}.`);
      break;
    case "state":
      board.state(message, message.ended);
      board.speaking(message.agent, message.why);
      if (message.ended) show(false);
      break;
    case "preview":
      board.preview(message);
      break;
    case "error":
    case "over":
      board.notice(message.text);
      break;
  }
}

function opened() {
  if (socket?.readyState === WebSocket.OPEN) return Promise.resolve();
  const url = new URL(at("try").dataset.socket, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  const mine = socket;
  mine.addEventListener("message", ({ data }) => take(JSON.parse(data)));
  mine.addEventListener("close", () => {
    if (socket !== mine) return;
    if (!ended && at("try-notice").hidden) board.notice("The connection is gone. Begin again.");
    socket = null;
    show(false);
  });
  return new Promise((resolve, reject) => {
    mine.addEventListener("open", resolve);
    mine.addEventListener("error", () => reject(new Error("closed")));
  });
}

async function begin(remember) {
  try {
    await opened();
  } catch {
    board.notice("The server does not take the connection. Reload the page, and log in again if it asks you to.");
    return;
  }
  board.clear();
  send({ do: "start", version: Number(board.pretend.elements.version.value), lead: board.lead(), remember });
}

board.pretend.addEventListener("submit", (event) => {
  event.preventDefault();
  begin(false);
});
again.addEventListener("click", () => begin(true));

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value.trim();
  clearTimeout(typing);
  if (!text) return;
  board.notice("");
  board.turn("lead", text);
  send({ do: "say", text });
  words.value = "";
});

words.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => send({ do: "typing", text: words.value }), PREVIEW_AFTER_MS);
});

at("try").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button || ended) return;
  if (button.dataset.key) {
    board.note(`The lead presses ${button.dataset.key}.`);
    send({ do: "key", digit: button.dataset.key });
  } else if (button.dataset.do) {
    board.note(`${button.title}.`);
    send({ do: button.dataset.do });
  }
});
