// Sessions, microphones and what can be turned. A control that somebody holds is not moved under the hand.

import { change } from '/link.js';
import { element, levelText } from '/meters.js';

// Keeps one box for each thing of a list, by its identity.
export class Boxes {
  constructor(place, make, empty) {
    [this.place, this.make, this.empty, this.known] = [place, make, empty, new Map()];
  }

  show(list, identity) {
    const seen = new Set();
    for (const item of list) {
      const id = String(identity(item));
      seen.add(id);
      if (!this.known.has(id)) {
        const made = this.make(item);
        if (this.known.size === 0) this.place.replaceChildren();
        this.known.set(id, made);
        this.place.append(made.box);
      }
      this.known.get(id).update(item);
    }
    for (const [id, made] of this.known) {
      if (seen.has(id)) continue;
      made.box.remove();
      this.known.delete(id);
    }
    if (this.known.size === 0 && this.empty && !this.place.querySelector('.empty')) {
      this.place.replaceChildren(element('p', 'empty', this.empty));
    }
  }
}

export function toggle(label, act) {
  const button = element('button', '', label);
  button.type = 'button';
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => act(button.getAttribute('aria-pressed') !== 'true'));
  return button;
}

export const press = (button, pressed) => button.setAttribute('aria-pressed', String(Boolean(pressed)));

const pause = 50;

function fader(label, from, to, act) {
  const slide = document.createElement('input');
  Object.assign(slide, { type: 'range', min: from, max: to, step: 0.5, value: 0 });
  slide.setAttribute('aria-label', label);
  const value = element('span', 'value', '0 dB');
  const show = () => {
    value.textContent = `${levelText(Number(slide.value))} dB`;
    slide.setAttribute('aria-valuetext', `${slide.value} decibels`);
  };
  let touched = 0;
  let waiting;
  let sentAt = -pause;
  const send = () => {
    [waiting, sentAt] = [undefined, performance.now()];
    act(Number(slide.value));
  };
  // The first move acts at once; those that follow closely, and the last for certain, as often as it is of use.
  slide.addEventListener('input', () => {
    touched = performance.now();
    show();
    waiting ??= setTimeout(send, Math.max(0, sentAt + pause - touched));
  });
  const set = (level) => {
    if (performance.now() - touched < 1500 || Number(slide.value) === level) return;
    slide.value = level;
    show();
  };
  return { slide, value, set };
}

export function sessionBox(session, fail) {
  const id = session.session;
  const name = session.name || id;
  const made = { box: element('div', 'item') };
  const state = element('span', 'badge');
  const figures = element('p', 'figures');
  const gain = fader(`Gain of session ${name}`, -60, 12, (level) =>
    change('session.update', { session: id, gain_db: level }).catch(fail));
  const mute = toggle('Mute', (muted) => change('session.update', { session: id, mute: muted }).catch(fail));
  mute.setAttribute('aria-label', `Mute session ${name}`);
  const row = element('div', 'row');
  row.append(element('span', 'name', name), state);
  const controls = element('div', 'fader');
  controls.append(gain.slide, gain.value, mute);
  made.box.append(row, controls, figures);
  made.update = (now) => {
    state.textContent = now.muted ? 'muted' : now.state;
    state.className = `badge ${now.muted ? 'muted' : now.state}`;
    gain.set(now.gain_db);
    press(mute, now.muted);
    const capture = now.capture ?? {};
    figures.textContent = [
      `${now.protocol} ${now.channels} ch, ${Math.round(now.bitrate / 1000)} kbit/s, ${now.frame_ms} ms, ${now.pacing}`,
      `${now.sent?.packets ?? 0} packets, ${now.sent?.errors ?? 0} errors`,
      `${capture.gaps ?? 0} gaps (${capture.gap_ms ?? 0} ms), silence ${capture.silence_ms ?? 0} ms`,
      now.reason ?? '',
    ].filter(Boolean).join(' · ');
  };
  return made;
}

export function micBox(mic, fail) {
  const name = mic.name || mic.mic;
  const made = { box: element('div', 'item') };
  const state = element('span', 'badge');
  const figures = element('p', 'figures');
  const mute = toggle('Mute', (muted) => change('mic.update', { mic: mic.mic, muted }).catch(fail));
  mute.setAttribute('aria-label', `Mute microphone ${name}`);
  const row = element('div', 'row');
  row.append(element('span', 'name', name), state, mute);
  made.box.append(row, figures);
  made.update = (now) => {
    const shut = now.push_to_talk === 'shut';
    state.textContent = shut && !now.muted ? 'push to talk' : now.state;
    state.className = `badge ${now.state}`;
    press(mute, now.muted);
    figures.textContent = `${now.protocol} · buffer ${now.buffer_ms} ms · delay ${now.delay_ms} ms · drift ${now.ppm} ppm`
      + ` · lost ${now.lost}, late ${now.late} of ${now.received}`;
  };
  return made;
}

// A gain of the graph: its fader and its mute.
export function gainBox(node, fail) {
  const made = { box: element('div', 'item') };
  const gain = fader(`Gain of ${node.name}`, -60, 12, (level) =>
    change('set_param', { id: node.id, param: 'gain', value: level }).catch(fail));
  const mute = toggle('Mute', (muted) =>
    change('set_param', { id: node.id, param: 'mute', value: muted }).catch(fail));
  mute.setAttribute('aria-label', `Mute ${node.name}`);
  const controls = element('div', 'fader');
  controls.append(gain.slide, gain.value, mute);
  made.box.append(element('p', 'name', node.name), controls);
  made.update = (now) => {
    gain.set(now.params?.gain ?? 0);
    press(mute, now.params?.mute);
  };
  return made;
}
