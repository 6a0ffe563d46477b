/** The telephone in the browser: says that it is there, rings, and carries a call that was passed on. */

const LOOK_EVERY_MS = 3000;
const LOOK_WHILE_RINGING_MS = 1000;
const RENEW_BEFORE_MS = 60_000;

const page = document.querySelector("#softphone");
const part = (name) => document.querySelector(`#phone-${name}`);
const csrf = document.querySelector("[name=csrfmiddlewaretoken]").value;
const inBrowser = page.dataset.usesBrowser === "yes";

let device = null;
let incoming = null;
let live = null;
let registered = false;

async function ask(address, fields = {}) {
  const body = new URLSearchParams(fields);
  const answer = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { "X-CSRFToken": csrf },
    body,
  });
  const news = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(news.problem || "The server does not answer as it should.");
  return news;
}

function problem(text) {
  part("problem").textContent = text;
  part("problem").hidden = !text;
}

function state(text) {
  part("state").textContent = text;
}

function buttons() {
  part("accept").hidden = part("decline").hidden = !incoming;
  part("hang-up").hidden = part("mute").hidden = !live;
}

function show(call) {
  part("ringing").hidden = !call && !live;
  if (!call) return;
  part("lead").textContent = call.lead;
  const facts = [call.kind, call.score === null ? "" : `score ${call.score}`, call.reason];
  part("facts").textContent = facts.filter(Boolean).join(" · ");
  part("summary").textContent = call.summary;
  part("open").href = page.dataset.call.replace("00000000-0000-0000-0000-000000000000", call.call_id);
}

async function token() {
  const { token: fresh, seconds } = await ask(page.dataset.token);
  // A token that runs out would let the browser fall silent without a word.
  setTimeout(renew, seconds * 1000 - RENEW_BEFORE_MS);
  return fresh;
}

async function renew() {
  try {
    device.updateToken(await token());
  } catch (error) {
    problem(error.message);
    setTimeout(renew, LOOK_EVERY_MS);
  }
}

function ended() {
  incoming = live = null;
  buttons();
  state("You take calls in this browser.");
}

function ring(call) {
  incoming = call;
  state("A call for you.");
  part("ringing").hidden = false;
  buttons();
  part("accept").focus();
  call.on("accept", () => {
    [incoming, live] = [null, call];
    state("You speak with the lead as soon as the agent has said goodbye.");
    buttons();
  });
  for (const over of ["cancel", "disconnect", "reject", "error"]) call.on(over, ended);
}

async function connect() {
  const sounds = { incoming: page.dataset.ringSound };
  const quiet = ["outgoing", "disconnect", "dtmfs", "dtmfh"];
  for (let key = 0; key <= 9; key += 1) quiet.push(`dtmf${key}`);
  // Nothing on a page loads from another host: the SDK's own sounds would.
  for (const name of quiet) sounds[name] = page.dataset.silence;
  device = new window.Twilio.Device(await token(), { sounds, closeProtection: true });
  device.on("registered", () => {
    registered = true;
    problem("");
    state("You can be rung in this browser.");
  });
  device.on("unregistered", () => {
    registered = false;
  });
  device.on("error", (error) => {
    problem(`This browser cannot be rung just now: ${error.message} Trying again …`);
  });
  device.on("incoming", ring);
  await device.register();
}

async function look() {
  try {
    const { ringing } = await ask(page.dataset.ringing, { registered: registered ? "yes" : "no" });
    show(ringing);
  } catch (error) {
    problem(error.message);
  }
  setTimeout(look, incoming ? LOOK_WHILE_RINGING_MS : LOOK_EVERY_MS);
}

part("accept").addEventListener("click", () => incoming?.accept());
part("decline").addEventListener("click", () => incoming?.reject());
part("hang-up").addEventListener("click", () => live?.disconnect());
part("mute").addEventListener("click", () => {
  live?.mute(!live.isMuted());
  part("mute").setAttribute("aria-pressed", String(Boolean(live?.isMuted())));
});
window.addEventListener("pagehide", () => {
  const body = new URLSearchParams({ csrfmiddlewaretoken: csrf });
  if (registered) navigator.sendBeacon(page.dataset.closed, body);
});

if (inBrowser) {
  window.addEventListener("load", () => connect().catch((error) => problem(error.message)));
}
look();
