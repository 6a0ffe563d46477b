/** Talk to it: the browser as a telephone. Microphone and loudspeaker over the media protocol of the
 * carrier, and beside it what the page is told: turns, what the agent knows, what happens. */
import { clock } from "./clock.js";
import * as board from "./rehearsal.js";

const at = (id) => document.getElementById(id);
const STREAM = "browser";
let call = null;

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Return a band-limiting filter: a telephone line passes no more than 3.4 kHz. */
function lowpass(context) {
  const filters = [0, 1].map(() => new BiquadFilterNode(context, { type: "lowpass", frequency: 3300, Q: 0.7 }));
  filters[0].connect(filters[1]);
  return filters;
}

class Call {
  constructor() {
    this.chunk = 0;
    this.over = false;
  }

  async begin() {
    this.microphone = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.resume();
    await this.context.audioWorklet.addModule(at("try").dataset.worklet);
    const source = this.context.createMediaStreamSource(this.microphone);
    const [inFirst, inLast] = lowpass(this.context);
    const [outFirst, outLast] = lowpass(this.context);
    this.mouth = new AudioWorkletNode(this.context, "telephone-mouth", { numberOfOutputs: 0 });
    this.ear = new AudioWorkletNode(this.context, "telephone-ear", { numberOfInputs: 0, outputChannelCount: [1] });
    source.connect(inFirst);
    inLast.connect(this.mouth);
    this.ear.connect(outFirst);
    outLast.connect(this.context.destination);
    this.mouth.port.onmessage = ({ data }) => this.speak(data);
    this.ear.port.onmessage = ({ data }) => this.heard(data);
    const url = new URL(at("try").dataset.socket, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url);
    this.socket.addEventListener("open", () => this.connected());
    this.socket.addEventListener("message", ({ data }) => this.take(JSON.parse(data)));
    this.socket.addEventListener("close", () => this.end("The line is closed."));
  }

  connected() {
    const wanted = Object.entries({ version: board.pretend.elements.version.value, ...board.lead() });
    const parameters = Object.fromEntries(wanted.map(([name, value]) => [name, String(value)]));
    this.send({ event: "connected", protocol: "Call", version: "1.0.0" });
    this.send({
      event: "start",
      streamSid: STREAM,
      start: {
        streamSid: STREAM,
        accountSid: STREAM,
        callSid: STREAM,
        tracks: ["inbound"],
        customParameters: parameters,
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      },
    });
    this.started = performance.now();
    this.ticking = setInterval(() => {
      at("try-clock").textContent = clock((performance.now() - this.started) / 1000);
    }, 500);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  speak({ frame, peak }) {
    at("level-in").value = Math.min(1, peak * 1.4);
    if (!this.started) return;
    this.chunk += 1;
    this.send({
      event: "media",
      streamSid: STREAM,
      media: {
        track: "inbound",
        chunk: String(this.chunk),
        timestamp: String((this.chunk - 1) * 20),
        payload: base64(frame),
      },
    });
  }

  heard({ mark, peak }) {
    if (mark !== undefined) this.send({ event: "mark", streamSid: STREAM, mark: { name: mark } });
    else at("level-out").value = Math.min(1, peak * 1.4);
  }

  take(message) {
    switch (message.event) {
      case "media":
        this.ear.port.postMessage({ sound: bytesOf(message.media.payload) });
        break;
      case "mark":
        this.ear.port.postMessage({ mark: message.mark.name });
        break;
      case "clear":
        this.ear.port.postMessage({ clear: true });
        break;
      case "turn":
        this.turn(message.turn);
        break;
      case "state":
        this.state = message.state;
        board.state(message.state, false);
        break;
      case "news":
        this.news(message.kind, message.data);
        break;
    }
  }

  turn({ index, speaker, text, interrupted, latency_ms: latency, agent, why }) {
    const marks = speaker === "agent" ? [agent] : [];
    if (latency !== undefined && latency !== null) {
      marks.push(`answered in ${latency} ms`);
      at("latency").textContent = `${latency} ms`;
    }
    if (interrupted) marks.push("interrupted");
    board.turn(speaker, text, { key: `turn-${index}`, marks });
    if (speaker === "agent") board.speaking(agent || "", why || "");
  }

  news(kind, data) {
    const words = {
      key: `You pressed ${data.digit}.`,
      barge_in: "You interrupted the agent.",
      book: "The agent would book the appointment.",
      move: "The agent would move the appointment.",
      cancel: "The agent would cancel the appointment.",
      callback: "The agent would call again at the time you named.",
      opt_out: "The agent would put the number on the do-not-call list.",
    };
    if (kind === "refused") board.notice(data.text);
    else if (words[kind]) board.note(words[kind]);
  }

  press(digit) {
    this.send({ event: "dtmf", streamSid: STREAM, dtmf: { track: "inbound_track", digit } });
  }

  hangUp() {
    this.send({ event: "stop", streamSid: STREAM, stop: { accountSid: STREAM, callSid: STREAM } });
    this.end("You hung up.");
  }

  end(why) {
    if (this.over) return;
    this.over = true;
    clearInterval(this.ticking);
    for (const track of this.microphone?.getTracks() || []) track.stop();
    this.context?.close();
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) this.socket.close();
    if (this.state) board.state(this.state, true);
    board.note(why);
    show(false);
    call = null;
  }
}

function show(talking) {
  at("try-phone").hidden = at("try-keys").hidden = !talking;
  at("begin").disabled = talking;
  at("begin").textContent = talking ? "On the line" : "Call the agent";
  at("level-in").value = at("level-out").value = 0;
}

const REASONS = {
  NotAllowedError: "The browser may not use the microphone. Allow it beside the address of this page, then call again.",
  NotFoundError: "No microphone was found. Plug one in, then call again.",
  NotReadableError: "Another program holds the microphone. Close it there, then call again.",
};

board.pretend.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (call) return;
  board.clear();
  at("latency").textContent = "–";
  if (!navigator.mediaDevices || !window.AudioWorkletNode) {
    board.notice("This browser gives the microphone only to pages with a secure address (https).");
    return;
  }
  call = new Call();
  show(true);
  try {
    await call.begin();
  } catch (error) {
    board.notice(REASONS[error.name] || "The microphone cannot be used.");
    call?.end("No call.");
  }
});

at("hang-up").addEventListener("click", () => call?.hangUp());
at("try-keys").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-key]");
  if (button) call?.press(button.dataset.key);
});
addEventListener("pagehide", () => call?.hangUp());
