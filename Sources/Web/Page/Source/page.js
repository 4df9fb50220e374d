// What the page is put together from.

import { takeToken, keepToken, read, change, listen } from '/link.js';
import { Meters, element } from '/meters.js';
import { drawGraph } from '/graph.js';
import { Boxes, sessionBox, micBox, gainBox } from '/panels.js';
import { channelBox } from '/channels.js';
import { talkButton } from '/talk.js';

const $ = (id) => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const meters = new Meters($('levels'));
let paused = false;
let everOpen = false;

// MARK: events

const most = 200;

function note(text, isTrouble = false, isNews = isTrouble) {
  const line = element('li', isTrouble ? 'trouble' : '');
  const time = element('time', '', new Date().toLocaleTimeString());
  line.append(time, `${isTrouble ? '! ' : ''}${text}`);
  $('events').prepend(line);
  while ($('events').children.length > most) $('events').lastChild.remove();
  if (!isNews) return;
  $('news').append(element('p', '', text));
  while ($('news').children.length > 5) $('news').firstChild.remove();
}

const fail = (error) => note(error.message ?? String(error), true);

// MARK: panels

const sessions = new Boxes($('sessions'), (item) => sessionBox(item, fail), 'No session is open.');
const mics = new Boxes($('mics'), (item) => micBox(item, fail), 'Nobody has a microphone open.');
const channels = new Boxes($('channels'), (item) => channelBox(item, fail));
const gains = new Boxes($('nodes'), (item) => gainBox(item, fail));

function showHealth({ state, problems = [] }) {
  $('state').textContent = state;
  $('state').className = `badge ${state}`;
  $('problems-panel').hidden = problems.length === 0;
  $('problems').replaceChildren(...problems.map((problem) =>
    element('li', 'trouble', `${problem.target}: ${problem.message}${problem.hint ? `. ${problem.hint}` : ''}`)));
}

let micMuted = false;

async function refresh() {
  const status = await read('status');
  showHealth(status);
  $('facts').textContent = `${status.version} · ${status.backend} · up ${Math.floor(status.uptime_s / 60)} min`;
  const mic = status.mic;
  if (mic) {
    mics.show(mic.mics ?? [], (item) => item.mic);
    micMuted = mic.muted;
    $('mic-mute').setAttribute('aria-pressed', String(micMuted));
    $('mic-state').textContent = mic.reason ? `${mic.state}: ${mic.reason}` : mic.state;
    $('mic-state').className = mic.state === 'muted' ? 'muted' : '';
  }
  for (const id of ['talk', 'mic-mute']) $(id).disabled = !mic;
  showChannels(await read('channels.list'));
  const graph = await read('graph');
  drawGraph($('graph'), $('connections'), graph);
  gains.show((graph.nodes ?? []).filter((node) => node.type === 'gain'), (node) => node.id);
}

function showChannels({ logical_channels: list = {} }) {
  const all = Object.entries(list).map(([number, channel]) => ({ number, ...channel }));
  $('channels-panel').hidden = all.length === 0;
  channels.show(all, (item) => item.number);
}

async function showProfiles() {
  const { profiles = [] } = await read('profile.list');
  const active = profiles.find((profile) => profile.active)?.name ?? '';
  const options = ['', ...profiles.map((profile) => profile.name)].map((name) => {
    const option = element('option', '', name || 'none');
    option.value = name;
    return option;
  });
  $('profile').replaceChildren(...options);
  $('profile').value = active;
  $('profile').disabled = false;
}

// MARK: what is heard

function hear(topic, data) {
  if (data === null) return;
  switch (topic) {
    case 'meters':
      if (!paused) meters.hear(data);
      break;
    case 'health': showHealth(data); break;
    case 'sessions': sessions.show(data.sessions ?? [], (item) => item.session); break;
    case 'channels': showChannels(data); break;
    case 'graph': case 'state': case 'ptt': refreshSoon(); break;
    case 'log':
      if (data.message) note(data.message, data.level === 'warning');
      break;
    case 'heals':
      if (data.message) note(`${data.target}: back after ${data.interrupted_ms} ms, ${data.message}`, false, true);
      break;
    case 'session-ended':
      if (data.session) note(`session ${data.name || data.session} ended: ${data.reason}`, true);
      break;
    case 'xrun':
      if (data.count) note(`the graph lost sound ${data.count} times`, true);
      break;
    case 'dropped': note(`${data.count} events of ${data.topic} were left out`); break;
    default:
  }
}

let refreshing;

function refreshSoon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => refresh().catch(quiet), 80);
}

// What is lost with the link is said by the link.
const quiet = (error) => {
  if (error.status && error.status !== 503) fail(error);
};

function say(state, error) {
  document.body.dataset.link = state;
  const banner = $('link');
  if (state === 'open') {
    banner.hidden = true;
    if (everOpen) note('connected again', false, true);
    everOpen = true;
    refresh().catch(quiet);
    showProfiles().catch(quiet);
    return;
  }
  if (state === 'refused') return ask(error);
  if (banner.hidden) note('the connection is lost; trying again', true);
  banner.textContent = 'No connection to streamd. Trying again…';
  banner.hidden = false;
  $('state').textContent = 'not connected';
  $('state').className = 'badge degraded';
}

// MARK: begin

function ask(error) {
  $('entry').hidden = false;
  $('main').hidden = true;
  $('state').textContent = 'no token';
  if (error) {
    $('link').textContent = error.message;
    $('link').hidden = false;
  }
  $('token').focus();
}

$('entry').addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken($('token').value.trim());
  $('entry').hidden = true;
  $('main').hidden = false;
  $('link').hidden = true;
  begin();
});

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
});
$('mic-mute').addEventListener('click', () =>
  change('mic.update', { muted: !micMuted }).then(refreshSoon).catch(fail));
$('profile').addEventListener('change', () => {
  const name = $('profile').value;
  change(name ? 'profile.use' : 'profile.off', name ? { name } : {}).catch(fail).then(() => showProfiles().catch(quiet));
});
talkButton($('talk'), fail);

function frame() {
  if (!paused) meters.draw();
  if (calm) setTimeout(frame, 100);
  else requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
setInterval(() => {
  if (document.body.dataset.link === 'open' && !document.hidden) refresh().catch(quiet);
}, 2000);

function begin() {
  const topics = ['meters', 'health', 'sessions', 'graph', 'state', 'ptt', 'channels', 'log', 'heals', 'session-ended',
    'xrun'];
  listen(topics, calm ? 10 : 25, hear, say);
}

if (takeToken()) begin();
else ask();
