// The base of every page component: a scope that can end, nodes, words, and sounds that act as the clock.
// Gradio runs a component's scripts once, as one script, with: element, props (value, texts and more), watch.

// Everything that would outlive its component: listeners, observers, object URLs, timers, animation frames. Each method
// begins one and returns the function that ends it; end() ends all that are left, and any begun afterwards.
class Scope {
  #endings = new Set();
  #ended = false;

  get left() {
    return this.#endings.size;
  }

  get ended() {
    return this.#ended;
  }

  add(end) {
    const once = () => {
      if (this.#endings.delete(once)) end();
    };
    this.#endings.add(once);
    if (this.#ended) once();
    return once;
  }

  listen(target, type, handler, options) {
    target.addEventListener(type, handler, options);
    return this.add(() => target.removeEventListener(type, handler, options));
  }

  observe(observer, target, options) {
    observer.observe(target, options);
    return this.add(() => observer.disconnect());
  }

  frame(callback) {
    const id = requestAnimationFrame((now) => {
      end();
      callback(now);
    });
    const end = this.add(() => cancelAnimationFrame(id));
    return end;
  }

  later(milliseconds, callback) {
    const id = setTimeout(() => {
      end();
      callback();
    }, milliseconds);
    const end = this.add(() => clearTimeout(id));
    return end;
  }

  // An address of the bytes, and what gives it up.
  url(bytes, type) {
    const url = URL.createObjectURL(new Blob([bytes], { type }));
    return { url, end: this.add(() => URL.revokeObjectURL(url)) };
  }

  end() {
    this.#ended = true;
    for (const end of [...this.#endings]) end();
  }
}

const scope = new Scope();

// ---- nodes and words ----

function find(name) {
  return element.querySelector(`[data-name="${name}"]`);
}

function labelled(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", String(Boolean(pressed)));
}

function language() {
  return document.documentElement.lang.startsWith("ja") ? "ja" : "en";
}

// The words of a key, {names} in them replaced by values, which are people's own words: nothing in them is a pattern.
function word(key, values = {}) {
  return props.texts[language()][key].replace(/\{(\w+)\}/g, (field, name) => (Object.hasOwn(values, name) ? values[name] : field));
}

function writeWords() {
  for (const node of element.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const node of element.querySelectorAll("[data-title]")) node.title = word(node.dataset.title);
  for (const node of element.querySelectorAll("[data-hint]")) node.placeholder = word(node.dataset.hint);
  for (const node of element.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
    if (node.matches("button, input")) node.title = word(node.dataset.label);
  }
}

// ---- what arrives ----

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}

// The samples of a WAV file of 16 bit and one channel.
function samplesOf(wav) {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  let at = 12; // the chunks begin after RIFF, a length and WAVE
  while (view.getUint32(at) !== 0x64617461) at += 8 + view.getUint32(at + 4, true); // "data"
  const length = Math.min(view.getUint32(at + 4, true), wav.byteLength - at - 8);
  return new Int16Array(wav.buffer.slice(wav.byteOffset + at + 8, wav.byteOffset + at + 8 + length));
}

function context2d(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}

// Levels, row after row with the uppermost first, as a canvas in the colours of a table (256 x 3).
function pictureOf(levels, width, table) {
  const height = levels.length / width, context = context2d(width, height), image = context.createImageData(width, height);
  for (let i = 0; i < levels.length; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = table[3 * levels[i] + c];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return context.canvas;
}

// The bands' colours (render/colour.py) as --band-0 ... on the component, on a light and on a dark page: component.css.
function colourBands(root, colours) {
  for (const [ground, ofBands] of Object.entries(colours))
    for (const [number, colour] of ofBands.entries()) root.style.setProperty(`--band-${number}-on-${ground}`, colour);
}

// ---- sounds: the one that plays is the clock ----

const JUST_BEFORE_S = 1e-4; // an end belongs to what comes after it

// Several sounds of one clip at one position. `state` holds .sound, .speed and .loop. Called are
// bounds(): [from, to] in seconds, what a loop repeats; again(): where it goes on from at its end, if not at `from`; moved(): the sound went on; changed(): it began, paused or ended.
class Playback {
  #players = {};
  #clip = new Scope();
  #following = false;

  constructor(state, place, { bounds, moved, changed, again = () => bounds()[0] }) {
    Object.assign(this, { state, place, bounds, moved, changed, again });
    scope.listen(document, "play", ({ target }) => this.#owns(target) || this.pause(), true); // one voice at a time
    scope.add(() => this.load({}));
  }

  // sounds: name -> the bytes of a WAV file. Those of before are given up.
  load(sounds) {
    this.pause();
    this.#clip.end();
    this.#clip = new Scope();
    this.#players = {};
    for (const [name, wav] of Object.entries(sounds)) {
      const { url } = this.#clip.url(wav, "audio/wav");
      const player = Object.assign(document.createElement("audio"), { src: url, preload: "auto", preservesPitch: true });
      player.dataset.player = name;
      for (const event of ["play", "pause"]) this.#clip.listen(player, event, () => this.changed());
      this.#clip.listen(player, "ended", () => this.#ended());
      this.#players[name] = player;
    }
    this.place.replaceChildren(...Object.values(this.#players));
  }

  // volumes: name -> 0 to 1.
  setVolumes(volumes) {
    for (const [name, player] of Object.entries(this.#players)) player.volume = volumes[name];
  }

  get playing() {
    return Boolean(this.#player) && !this.#player.paused;
  }

  // Where the sound stands. A screen's frame that comes late finds it past the end of what is looped: there, the end.
  get now() {
    const now = this.#player.currentTime;
    return this.#loops ? Math.min(now, this.bounds()[1] - JUST_BEFORE_S) : now;
  }

  seek(seconds) {
    for (const player of Object.values(this.#players)) player.currentTime = seconds;
  }

  async play() {
    for (const other of document.querySelectorAll("audio, video")) if (!this.#owns(other)) other.pause();
    this.#player.playbackRate = this.state.speed;
    this.#follow();
    try {
      await this.#player.play();
    } catch (error) {
      if (error.name !== "AbortError") throw error; // paused before the sound had begun
    }
  }

  pause() {
    if (this.#loops && this.now < this.#player.currentTime) this.seek(this.now); // where it was drawn last
    for (const player of Object.values(this.#players)) player.pause();
  }

  // Go on with another sound from the same moment.
  choose(name) {
    if (!(name in this.#players) || name === this.state.sound) return;
    const { playing, now } = this;
    this.pause();
    this.state.sound = name;
    this.#player.currentTime = now;
    if (playing) this.play();
    this.changed();
  }

  setSpeed(speed) {
    this.state.speed = speed;
    this.#player.playbackRate = speed;
    this.changed();
  }

  // Whether the sound is being repeated; one that came to its own end still is.
  get #loops() {
    return this.state.loop && (this.playing || Boolean(this.#player?.ended));
  }

  get #player() {
    return this.#players[this.state.sound];
  }

  #owns(player) {
    return Object.values(this.#players).includes(player);
  }

  // However often it is asked for, one loop over the screen's frames as long as a sound plays.
  #follow() {
    if (this.#following) return;
    this.#following = true;
    scope.frame(() => {
      this.#following = false;
      if (!this.playing) return;
      if (this.state.loop && this.#player.currentTime >= this.bounds()[1]) this.seek(this.again());
      this.moved();
      this.#follow();
    });
  }

  #ended() {
    this.changed();
    if (!this.state.loop) return;
    this.seek(this.again());
    this.play();
  }
}

// ---- the page around it ----

const NAVIGATION = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", " ", "Enter"];

// Whether what has the focus needs the key itself; `root` is the component that asks.
function keyIsTaken({ key, target }, root) {
  if (target.closest("input, textarea, select, [contenteditable], [role=listbox], [role=menu]")) return true;
  if (key === " " && target.closest("button, a, video, audio, summary")) return true;
  const widget = target.closest("[role=tab], [role=radio], [role=slider], video, audio");
  return Boolean(widget) && !root.contains(widget) && NAVIGATION.includes(key);
}

// Calls `changed` where the page's language, its colours or its type become others, and for no other class of the page.
function watchLook(root, changed) {
  const look = () => {
    const style = getComputedStyle(root);
    return [language(), style.getPropertyValue("--ink"), style.fontSize].join();
  };
  let shown = look();
  const check = () => {
    if (look() === shown) return;
    shown = look();
    changed();
  };
  for (const node of [document.documentElement, document.body])
    scope.observe(new MutationObserver(check), node, { attributes: true, attributeFilter: ["lang", "class"] });
}

// Calls `resized` where the node's size becomes another, also from and to nothing as a tab closes and opens.
function watchSize(node, resized) {
  scope.observe(new ResizeObserver(resized), node);
}

function isShown(node) {
  return node.clientWidth > 0;
}

// The component lives: its value is loaded now and whenever it changes, until Gradio takes its element from the page.
function live(load) {
  scope.observe(new MutationObserver(() => element.isConnected || scope.end()), document.body, { childList: true, subtree: true });
  watch("value", () => scope.ended || load(props.value));
  load(props.value);
}
