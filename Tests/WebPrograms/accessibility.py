"""What a page must have for everybody: the rules of WCAG 2.2 A and AA that a program can judge, asked through a browser.

Each finding is a line; a page that is as it should be has none.
"""

RULES = r"""(() => {
  const wrong = [];
  const say = (rule, e, more = '') => wrong.push(`${rule}: ${e.outerHTML.replace(/\s+/g, ' ').slice(0, 90)} ${more}`);
  const all = [...document.querySelectorAll('body *')];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const hidden = (e) => e.closest('[aria-hidden="true"]');
  const spoken = (e) => e.closest('.spoken');

  // Colours: of every text against what is behind it, with what is transparent counted in.
  const parse = (t) => { const v = (t.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number); return [v[0], v[1], v[2], v[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    const canvas = getComputedStyle(document.documentElement).colorScheme.includes('dark')
      && matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
  };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  for (const e of all) {
    if (!shown(e) || spoken(e) || e.disabled) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e);
    const ink = parse(e.namespaceURI.endsWith('svg') ? style.fill : style.color);
    let faded = 1;
    for (let p = e; p; p = p.parentElement) faded *= Number(getComputedStyle(p).opacity);
    ink[3] *= faded;
    const back = ground(e);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const found = ratio(over(ink, back), back);
    if (found < needed && !e.closest('svg')) say('color-contrast', e, found.toFixed(2));
    if (found < 3 && e.closest('svg')) say('color-contrast', e, found.toFixed(2));
  }

  // Attributes that say what something is.
  const booleans = 'atomic busy disabled hidden modal multiline multiselectable readonly required'.split(' ');
  const tokens = { 'aria-live': ['off', 'polite', 'assertive'], 'aria-pressed': ['true', 'false', 'mixed', 'undefined'],
    'aria-expanded': ['true', 'false', 'undefined'], 'aria-checked': ['true', 'false', 'mixed', 'undefined'],
    'aria-selected': ['true', 'false', 'undefined'], 'aria-orientation': ['horizontal', 'vertical', 'undefined'],
    'aria-invalid': ['true', 'false', 'grammar', 'spelling'], 'aria-current':
    ['page', 'step', 'location', 'date', 'time', 'true', 'false'], 'aria-relevant':
    ['additions', 'additions text', 'all', 'removals', 'text'], 'aria-haspopup':
    ['true', 'false', 'menu', 'listbox', 'tree', 'grid', 'dialog'] };
  for (const name of booleans) tokens[`aria-${name}`] = ['true', 'false', 'undefined'];
  const references = 'activedescendant controls describedby details errormessage flowto labelledby owns'.split(' ')
    .map((name) => `aria-${name}`);
  const texts = 'label description roledescription placeholder valuetext keyshortcuts'.split(' ').map((n) => `aria-${n}`);
  const numbers = 'valuenow valuemin valuemax level posinset setsize colcount colindex colspan rowcount rowindex rowspan'
    .split(' ').map((name) => `aria-${name}`);
  const roles = ('alert alertdialog application article banner button cell checkbox columnheader combobox complementary '
    + 'contentinfo definition dialog document feed figure form grid gridcell group heading img link list listbox listitem '
    + 'log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio meter navigation none note option '
    + 'presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider '
    + 'spinbutton status switch tab table tablist tabpanel term textbox timer toolbar tooltip tree treegrid treeitem').split(' ');
  for (const e of all) {
    for (const { name, value } of e.attributes) {
      if (name === 'role' && !value.split(' ').every((role) => roles.includes(role))) say('aria-roles', e);
      if (!name.startsWith('aria-')) continue;
      if (tokens[name]) {
        if (!tokens[name].includes(value)) say('aria-valid-attr-value', e, name);
      } else if (references.includes(name)) {
        if (!value.split(/\s+/).every((id) => document.getElementById(id))) say('aria-valid-attr-value', e, name);
      } else if (numbers.includes(name)) {
        if (!Number.isFinite(Number(value))) say('aria-valid-attr-value', e, name);
      } else if (texts.includes(name)) {
        if (!value.trim()) say('aria-valid-attr-value', e, name);
      } else say('aria-valid-attr', e, name);
    }
    if (e.getAttribute('aria-pressed') !== null && e.tagName !== 'BUTTON' && e.getAttribute('role') !== 'button') {
      say('aria-allowed-attr', e);
    }
  }

  // What can be reached and hit.
  const reach = all.filter((e) => e.matches('a[href], button, input, select, textarea, summary, [tabindex]') && !e.disabled
    && shown(e) && e.tabIndex >= 0);
  for (const e of reach) {
    if (e.tabIndex > 0) say('tabindex', e);
    if (hidden(e)) say('aria-hidden-focus', e);
    const outer = e.parentElement?.closest('a[href], button, [role=button], [role=link], label + button');
    if (outer) say('nested-interactive', e);
    const box = e.getBoundingClientRect();
    if ((box.height < 24 || box.width < 24) && !e.matches('[tabindex]')) say('target-size', e, `${box.width}x${box.height}`);
  }
  for (const e of all.filter((e) => e.matches('button, select, input, a[href], textarea') && shown(e) && !e.disabled)) {
    if (e.tabIndex < 0) say('keyboard', e);
  }
  for (const e of all) {
    if (!shown(e) || spoken(e)) continue;
    const style = getComputedStyle(e);
    const scrolls = (o, inner, outer) => ['auto', 'scroll'].includes(o) && inner > outer + 1;
    if ((scrolls(style.overflowY, e.scrollHeight, e.clientHeight) || scrolls(style.overflowX, e.scrollWidth, e.clientWidth))
      && e.tabIndex < 0 && !reach.some((inner) => e.contains(inner))) say('scrollable-region-focusable', e);
  }

  // The page's order.
  const root = document.documentElement;
  if (!/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/.test(root.lang)) wrong.push('html-has-lang');
  if (!document.title.trim()) wrong.push('document-title');
  const view = document.querySelector('meta[name=viewport]')?.content ?? '';
  if (/user-scalable\s*=\s*(no|0)|maximum-scale\s*=\s*[01](\.|,|$)/.test(view)) wrong.push('meta-viewport');
  if (document.querySelector('meta[http-equiv=refresh], blink, marquee')) wrong.push('meta-refresh, blink, marquee');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`duplicate-id: ${id}`);
  if (document.querySelectorAll('main').length !== 1) wrong.push('landmark-one-main');
  if (document.querySelectorAll('body > header').length !== 1) wrong.push('landmark-banner');
  const heads = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(shown);
  if (heads.filter((e) => e.tagName === 'H1').length !== 1 || heads[0]?.tagName !== 'H1') wrong.push('page-has-heading-one');
  heads.reduce((level, e) => {
    if (!e.textContent.trim()) say('empty-heading', e);
    if (Number(e.tagName[1]) > level + 1) say('heading-order', e);
    return Number(e.tagName[1]);
  }, 0);
  for (const e of document.querySelectorAll('ul, ol')) {
    if ([...e.children].some((child) => !['LI', 'SCRIPT', 'TEMPLATE'].includes(child.tagName))) say('list', e);
  }
  for (const e of document.querySelectorAll('li')) if (!e.parentElement.matches('ul, ol, [role=list]')) say('listitem', e);
  for (const e of all) {
    const hasText = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (hasText && shown(e) && !e.closest('header, main, form[id], [role=status], [role=log], noscript')) say('region', e);
  }
  if (!document.querySelector('[role=log][aria-live=polite]')) wrong.push('no live region for events');
  for (const e of document.querySelectorAll('[aria-live] meter, [role=status] meter, [role=log] meter')) say('meters in a live region', e);
  for (const e of document.querySelectorAll('label')) {
    if (!e.control) say('label', e);
  }
  for (const e of document.querySelectorAll('img:not([alt]), svg[role=img]:not([aria-label]):not([aria-labelledby])')) {
    if (!e.querySelector(':scope > title')?.textContent.trim()) say('image-alt', e);
  }
  for (const e of document.querySelectorAll('button[aria-label]')) {
    const words = e.textContent.trim().toLowerCase();
    if (words && !words.split(/\s+/).every((word) => e.getAttribute('aria-label').toLowerCase().includes(word))) {
      say('label-content-name-mismatch', e);
    }
  }
  if (root.scrollWidth > innerWidth) wrong.push(`reflow: wider than the window, ${root.scrollWidth}`);
  return wrong;
})()"""

# Roles that say nothing to anybody without a name.
NAMED = {"button", "slider", "meter", "combobox", "textbox", "image", "img", "region", "form", "link", "checkbox",
         "ComboBoxSelect", "DisclosureTriangle", "log"}

FOCUS = r"""(() => {
  const e = document.activeElement;
  if (!e || e === document.body || walked.includes(e)) return null;
  const last = walked.at(-1);
  walked.push(e);
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return { what: e.outerHTML.slice(0, 70),
    inOrder: !last || Boolean(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth };
})()"""

REACHABLE = r"""[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
  .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }))"""


def walk(browser):
    """By the Tab key from the first to the last: each is reached once, in the order of the page, is seen and marked."""
    wrong = []
    browser.call("Page.bringToFront")
    # The walk begins where the focus was last.
    browser.run("(() => { const h = document.querySelector('h1'); h.tabIndex = -1; h.focus(); h.removeAttribute('tabindex');"
                "scrollTo(0, 0); globalThis.walked = []; })()")
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    for _ in range(browser.run(f"{REACHABLE}.length") + 5):
        browser.call("Input.dispatchKeyEvent", type="keyDown", **key)
        browser.call("Input.dispatchKeyEvent", type="keyUp", **key)
        found = browser.run(FOCUS)
        if not found:
            break
        wrong += [f"focus-visible: {found['what']}"] * (not found["ring"])
        wrong += [f"focus-not-obscured: {found['what']}"] * (not found["inside"])
        wrong += [f"focus-order: {found['what']}"] * (not found["inOrder"])
    wrong += browser.run(f"{REACHABLE}.filter((e) => !walked.includes(e)).map((e) => 'keyboard: ' + e.outerHTML.slice(0, 70))")
    browser.run("document.activeElement?.blur()")
    return wrong


def findings(browser, roles_wanted=()):
    wrong = list(browser.run(RULES))
    roles = {}
    for node in browser.call("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value", "")
        if node.get("ignored"):
            continue
        roles[role] = roles.get(role, 0) + 1
        if role in NAMED - {"form", "log"} and not node.get("name", {}).get("value"):
            wrong.append(f"{role} without a name")
    wrong += [f"no {role} in the accessibility tree: {roles}" for role in roles_wanted if not roles.get(role)]
    return wrong + walk(browser)
