/** A telephone in the audio thread: 8 kHz µ-law frames of 20 ms, out of a microphone and into an ear.
 * G.711 as in ITU-T G.711; the sound is band-limited by filters before and after it. */

const LINE_RATE = 8000;
const FRAME = 160;
const BIAS = 0x84;
const CLIP = 32635;

function encode(sample) {
  let value = Math.max(-CLIP, Math.min(CLIP, Math.round(sample * 32767)));
  const sign = value < 0 ? 0x80 : 0;
  value = Math.abs(value) + BIAS;
  let exponent = 7;
  for (let mask = 0x4000; exponent > 0 && !(value & mask); mask >>= 1) exponent -= 1;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff;
}

const DECODED = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const value = (((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 0x07);
  return (bits & 0x80 ? BIAS - value : value - BIAS) / 32768;
});

/** Takes the microphone's sound and posts frames of the line, each with its loudest sample. */
class Mouth extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / LINE_RATE;
    this.place = 0;
    this.before = 0;
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }

  process([input]) {
    const sound = input[0] || new Float32Array(128);
    // `place` is where the next sample of the line lies, in samples of this block; the last one
    // of the block before stands at -1.
    while (this.place <= sound.length - 1) {
      const whole = Math.floor(this.place);
      const left = whole < 0 ? this.before : sound[whole];
      const right = sound[Math.min(whole + 1, sound.length - 1)];
      this.add(left + (right - left) * (this.place - whole));
      this.place += this.step;
    }
    this.place -= sound.length;
    this.before = sound[sound.length - 1];
    return true;
  }

  add(sample) {
    this.peak = Math.max(this.peak, Math.abs(sample));
    this.frame[this.filled] = encode(sample);
    this.filled += 1;
    if (this.filled < FRAME) return;
    this.port.postMessage({ frame: this.frame, peak: this.peak });
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }
}

/** Plays the frames it is posted, passes marks back when they are reached, and forgets on "clear". */
class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = LINE_RATE / sampleRate;
    this.place = 1;
    this.left = 0;
    this.right = 0;
    this.waiting = [];
    this.sound = null;
    this.at = 0;
    this.peak = 0;
    this.blocks = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (data.clear) {
      this.sound = null;
      const marks = this.waiting.filter((each) => each.mark !== undefined);
      this.waiting = [];
      for (const { mark } of marks) this.port.postMessage({ mark });
    } else this.waiting.push(data);
  }

  next() {
    while (!this.sound || this.at >= this.sound.length) {
      this.sound = null;
      const first = this.waiting.shift();
      if (!first) return 0;
      if (first.mark !== undefined) this.port.postMessage({ mark: first.mark });
      else {
        this.sound = first.sound;
        this.at = 0;
      }
    }
    this.at += 1;
    return DECODED[this.sound[this.at - 1]];
  }

  process(_inputs, [output]) {
    const out = output[0];
    for (let index = 0; index < out.length; index += 1) {
      while (this.place >= 1) {
        this.left = this.right;
        this.right = this.next();
        this.place -= 1;
      }
      out[index] = this.left + (this.right - this.left) * this.place;
      this.place += this.step;
      this.peak = Math.max(this.peak, Math.abs(out[index]));
    }
    this.blocks += 1;
    if (this.blocks % 16 === 0) {
      this.port.postMessage({ peak: this.peak });
      this.peak = 0;
    }
    return true;
  }
}

registerProcessor("telephone-mouth", Mouth);
registerProcessor("telephone-ear", Ear);
