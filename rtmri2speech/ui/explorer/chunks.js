// The clip's chunks: pictures, outlines of regions, CAMs (chunks.py). A short clip's came with it. A long clip's are
// fetched on demand, and few are kept.

const MOST_HELD = 12;

// What the server keeps in a file for this page.
async function fetched(path) {
  const answer = await fetch(`${window.gradio_config?.root ?? ""}/gradio_api/file=${encodeURI(path)}`);
  if (!answer.ok) throw new Error(`${answer.status}: ${path}`);
  return answer;
}

// The whole analysis that loads, which changes of it wait for; lost(): it could not be loaded. Then, too, changes go on:
// they find that another one is shown, and ask for the whole.
class Loading {
  #newest = Promise.resolve();

  constructor(lost) {
    this.lost = lost;
  }

  whole(promise) {
    this.#newest = promise.catch(() => this.lost());
    return promise;
  }

  ended() {
    return this.#newest;
  }
}

class Parts {
  #held = new Map(); // number -> {gray, numbers, starts, cams}, the longest unused first
  #coming = new Set();

  // clip: what arrived. arrived(): a part that was asked for is there; lost(): it cannot be had.
  constructor(clip, arrived, lost) {
    Object.assign(this, { clip, arrived, lost });
  }

  // Those that came with the clip, or else the one with this frame.
  async begin(frame) {
    const { parts, part } = this.clip, sent = parts.flatMap((one, number) => (typeof one === "string" ? [] : [number]));
    for (const number of sent.length ? sent : [Math.floor(frame / part)]) this.#held.set(number, await this.#read(number));
    if (sent.length) parts.fill(null); // read: the text of it need not be kept
  }

  // {gray, numbers, starts, cams, place} of the frame, `place` counting from the part's first; null until it is there.
  at(frame) {
    const { part, parts } = this.clip, number = Math.floor(frame / part), place = frame % part;
    const found = this.#held.get(number);
    if (!found) this.#fetch(number);
    const next = number + (place >= part / 2 ? 1 : -1); // so that playing on does not wait
    if (typeof parts[next] === "string" && !this.#held.has(next)) this.#fetch(next);
    if (!found) return null;
    if (typeof parts[number] === "string") {
      this.#held.delete(number);
      this.#held.set(number, found);
    }
    return { ...found, place };
  }

  // Other bands of a clip whose parts are all here. before, names: the bands' that were and are; cams: name -> a CAM of
  // each part; of other names the old ones stay.
  setCams(before, names, cams) {
    for (const [number, part] of this.#held)
      part.cams = names.map((name) => (cams[name] ? floatsOf(cams[name][number]) : part.cams[before.indexOf(name)]));
  }

  async #fetch(number) {
    if (this.#coming.has(number)) return;
    this.#coming.add(number);
    try {
      this.#held.set(number, await this.#read(number));
      if (this.#held.size > MOST_HELD) this.#held.delete(this.#held.keys().next().value);
      this.arrived();
    } catch (error) {
      this.lost(error);
    } finally {
      this.#coming.delete(number);
    }
  }

  async #read(number) {
    const { parts, sheet, part, frames } = this.clip, sent = parts[number];
    const { images, numbers, starts, cams } = typeof sent === "string" ? await (await fetched(sent)).json() : sent;
    const gray = await grayFrames(images, sheet, Math.min(part, frames - number * part));
    const outlines = { numbers: new Uint16Array(bytesOf(numbers).buffer), starts: new Uint32Array(bytesOf(starts).buffer) };
    return { gray, ...outlines, cams: cams.map(floatsOf) };
  }
}
