/** Plays the sound of a live call as it comes: 8 kHz µ-law in binary messages. */

const RATE = 8000;
const AHEAD_S = 0.25;
const WHY = {
  4003: "You may not listen in to calls.",
  4004: "The agent does not hold this call any more.",
};

const page = document.querySelector("#listen");
const start = document.querySelector("#listen-start");
const state = document.querySelector("#listen-state");
const level = document.querySelector("#listen-level");

// ITU-T G.711, µ-law: sign, exponent, mantissa, all inverted.
const SAMPLES = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const size = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return ((bits & 0x80 ? 0x84 - size : size - 0x84)) / 32768;
});

function listen() {
  const audio = new AudioContext();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${page.dataset.socket}`);
  socket.binaryType = "arraybuffer";
  let next = 0;
  start.disabled = true;
  state.textContent = "Connecting …";
  socket.addEventListener("message", ({ data }) => {
    const sound = Float32Array.from(new Uint8Array(data), (code) => SAMPLES[code]);
    const buffer = audio.createBuffer(1, sound.length, RATE);
    buffer.copyToChannel(sound, 0);
    const source = audio.createBufferSource();
    source.buffer = buffer;
    source.connect(audio.destination);
    // Late pieces begin anew a little ahead, so that the ones after them do not overlap.
    if (next < audio.currentTime) next = audio.currentTime + AHEAD_S;
    source.start(next);
    next += buffer.duration;
    state.textContent = "You are listening.";
    level.hidden = false;
    level.value = Math.min(1, 3 * Math.sqrt(sound.reduce((sum, x) => sum + x * x, 0) / sound.length));
  });
  socket.addEventListener("close", ({ code }) => {
    state.textContent = WHY[code] || "The connection has ended.";
    level.hidden = true;
    start.disabled = false;
    start.textContent = "Listen again";
    audio.close();
  });
}

start?.addEventListener("click", listen);
