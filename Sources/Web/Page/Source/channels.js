// Duplex channels: from which device to which, and whether each is heard.

import { change } from '/link.js';
import { element } from '/meters.js';
import { toggle, press } from '/panels.js';

const device = (side) => side.description ?? side.name ?? side.asked;

export function channelBox(channel, fail) {
  const title = channel.name || `Channel ${channel.number}`;
  const number = Number(channel.number);
  const set = (values) => change('channels.set', { channel: number, ...values }).catch(fail);
  const made = { box: element('div', 'item') };
  const state = element('span', 'badge');
  const path = element('p', 'figures');
  const figures = element('p', 'figures');
  const mute = toggle('Mute', (muted) => set({ mute: muted }));
  mute.setAttribute('aria-label', `Mute ${title}`);
  const gate = toggle('Gate open', (open) => set({ gate_open: open }));
  gate.setAttribute('aria-label', `Gate of ${title} open`);
  const row = element('div', 'row');
  row.append(element('span', 'name', title), state, mute, gate);
  made.box.append(row, path, figures);
  made.update = (now) => {
    const trouble = [now.input, now.output].find((side) => side.state !== 'running');
    const word = trouble ? trouble.state : now.mute ? 'muted' : now.gate_open ? 'running' : 'gate shut';
    state.textContent = word;
    state.className = `badge ${trouble ? 'degraded' : word === 'running' ? 'ok' : 'muted'}`;
    press(mute, now.mute);
    press(gate, now.gate_open);
    path.textContent = `${device(now.input)} → ${device(now.output)}`;
    figures.textContent = [
      `${now.latency_ms} ms`, `${now.xruns} xruns`, now.starved ? `ran dry ${now.starved} times` : '',
      trouble?.message ?? '',
    ].filter(Boolean).join(' · ');
  };
  return made;
}
