// Levels for eyes: up at once, down 40 dB in 1.7 s, the highest of the last 20 s held, clipping shown for as long.

const fall = 40 / 1.7;
const held = 20000;
const floor = -60;

export const levelText = (level) => (level <= floor ? '−∞' : level.toFixed(1).replace('-', '−'));
const spoken = (level) => {
  if (level <= floor) return 'silent';
  return `${level < 0 ? 'minus ' : ''}${Math.abs(Math.round(level))} dBFS`;
};

class Channel {
  constructor(owner, label) {
    [this.level, this.hold, this.heldAt, this.clippedAt, this.peak, this.spokenAt] = [floor, floor, 0, -held, floor, 0];
    this.row = element('div', 'channel');
    this.meter = document.createElement('meter');
    Object.assign(this.meter, { min: floor, max: 0, low: -20, high: -9, optimum: floor, value: floor });
    this.meter.setAttribute('aria-label', `${owner} ${label}`);
    this.meter.setAttribute('aria-valuetext', 'silent');
    this.mark = element('span', 'hold');
    this.value = element('span', 'value');
    const well = element('div', 'well');
    well.append(this.meter, this.mark);
    for (const at of [-40, -20, -9]) {
      const tick = element('span', 'tick');
      tick.style.left = `${position(at)}%`;
      well.append(tick);
    }
    for (const part of [this.mark, this.value]) part.setAttribute('aria-hidden', 'true');
    this.row.append(element('span', 'label', label), well, this.value);
  }

  hear(peak, now) {
    // There may have been nothing to measure.
    if (typeof peak !== 'number') return;
    this.peak = Math.max(this.peak, peak);
    if (peak >= 0) this.clippedAt = now;
  }

  draw(seconds, now) {
    this.level = Math.max(this.peak, this.level - fall * seconds, floor);
    if (this.level >= this.hold || now - this.heldAt > held) [this.hold, this.heldAt] = [this.level, now];
    this.peak = floor;
    this.meter.value = Math.min(this.level, 0);
    this.mark.style.left = `calc(${position(this.hold)}% - 2px)`;
    this.mark.hidden = this.hold <= floor;
    const clips = now - this.clippedAt < held;
    this.value.textContent = clips ? `CLIP ${levelText(this.hold)}` : levelText(this.hold);
    this.value.classList.toggle('clip', clips);
    if (now - this.spokenAt < 1000) return;
    this.spokenAt = now;
    this.meter.setAttribute('aria-valuetext', spoken(this.level));
  }
}

const position = (level) => Math.max(0, Math.min(100, ((level - floor) / -floor) * 100));

export function element(kind, style, text) {
  const made = document.createElement(kind);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Everything that is measured, each with its channels and figures.
export class Meters {
  constructor(place) {
    [this.place, this.things, this.last] = [place, new Map(), performance.now()];
  }

  hear(data) {
    const now = performance.now();
    const lists = [['bus', data.buses], ['mic', data.mics], ['talker', data.talkers], ['session', data.sessions],
      ['channel', data.channels], ['node', data.nodes]];
    for (const [group, list] of lists) {
      for (const reading of list ?? []) this.thing(group, reading).hear(reading, now);
    }
    for (const [name, thing] of this.things) {
      if (now - thing.heardAt > 5000) {
        thing.box.remove();
        this.things.delete(name);
      }
    }
  }

  thing(group, reading) {
    const name = `${group} ${reading[group]}`;
    if (!this.things.has(name)) {
      if (this.things.size === 0) this.place.replaceChildren();
      const thing = new Thing(group, reading);
      this.things.set(name, thing);
      this.place.append(thing.box);
    }
    return this.things.get(name);
  }

  draw() {
    const now = performance.now();
    const seconds = Math.min((now - this.last) / 1000, 5);
    this.last = now;
    for (const thing of this.things.values()) thing.draw(seconds, now);
  }
}

class Thing {
  constructor(group, reading) {
    this.title = `${{ bus: 'Bus', mic: 'Microphone', talker: 'Talker', session: 'Session', channel: 'Channel', node: 'Node' }[group]} `
      + (reading.name || reading[group]);
    this.box = element('div', 'item');
    this.figures = element('p', 'figures');
    this.channels = [];
    this.box.append(element('p', 'name', this.title), this.figures);
  }

  hear(reading, now) {
    this.heardAt = now;
    const labels = reading.channels ?? [];
    while (this.channels.length < labels.length) {
      const channel = new Channel(this.title, labels[this.channels.length]);
      this.channels.push(channel);
      this.box.insertBefore(channel.row, this.figures);
    }
    (reading.peak_dbfs ?? []).forEach((peak, place) => this.channels[place]?.hear(peak, now));
    const words = [];
    const known = [['momentary_lufs', 'M', 'LUFS'], ['short_term_lufs', 'S', 'LUFS'], ['integrated_lufs', 'I', 'LUFS'],
      ['range_lu', 'LRA', 'LU'], ['true_peak_dbtp', 'TP', 'dBTP'], ['reduction_db', 'GR', 'dB'], ['input_peak_dbfs', 'in', 'dBFS'],
      ['compression_db', 'comp', 'dB'], ['limiting_db', 'limit', 'dB']];
    for (const [name, short, unit] of known) {
      const value = reading[name];
      if (typeof value === 'number') words.push(`${short} ${value.toFixed(1).replace('-', '−')} ${unit}`);
    }
    this.words = words.join(' · ');
  }

  draw(seconds, now) {
    for (const channel of this.channels) channel.draw(seconds, now);
    if (this.figures.textContent !== this.words) this.figures.textContent = this.words;
  }
}
