// Made from Source/page.css by scripts/embed-page.
extension PageText {
  static let pageCSS = Asset(
    path: "/page.css", type: "text/css; charset=utf-8",
    text: #"""
      :root {
        color-scheme: light dark;
        --back: #f6f7f8; --panel: #ffffff; --text: #14181c; --faint: #505a64; --line: #c3cad1;
        --accent: #0b5c8a; --onaccent: #ffffff; --good: #1b6e3c; --warn: #7d5400; --bad: #a61b1b; --track: #dde2e7;
        --low: #2f7fb0; --high: #c98a00; --top: #c62828;
      }
      @media (prefers-color-scheme: dark) {
        :root {
          --back: #12161a; --panel: #1b2127; --text: #e8ecef; --faint: #a9b4be; --line: #3c4650;
          --accent: #7cc4ee; --onaccent: #0b1a24; --good: #7fd69f; --warn: #f2c14e; --bad: #ff9a93; --track: #323b44;
          --low: #5fb0de; --high: #f2c14e; --top: #ff6b62;
        }
      }
      * { box-sizing: border-box; }
      body {
        margin: 0; background: var(--back); color: var(--text);
        font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif;
      }
      h1 { font-size: 1.15rem; margin: 0; }
      h2 { font-size: 1rem; margin: 0 0 .5rem; }
      h3 { font-size: .92rem; margin: .6rem 0 .25rem; }
      p { margin: 0; }
      header {
        display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center;
        padding: .6rem 1rem; background: var(--panel); border-bottom: 1px solid var(--line);
      }
      .tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-left: auto; }
      #facts, .hint, .empty { color: var(--faint); font-size: .88rem; }
      main { display: grid; gap: .8rem; padding: .8rem 1rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
      section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .75rem; min-width: 0; }
      .wide, #problems-panel { grid-column: 1 / -1; }
      .tall { grid-row: span 2; }
      @media (max-width: 760px) {
        main { grid-template-columns: minmax(0, 1fr); padding: .6rem; }
        header { padding: .5rem .6rem; }
        .tools { margin-left: 0; }
      }
      .badge { border: 1px solid currentColor; border-radius: 1em; padding: 0 .6em; font-weight: 600; font-size: .88rem; }
      .ok, .idle, .live { color: var(--good); }
      .degraded, .trouble { color: var(--bad); }
      .silent, .muted, .shut { color: var(--warn); }
      .banner { background: var(--warn); color: var(--panel); padding: .5rem 1rem; font-weight: 600; }
      form#entry { max-width: 34rem; margin: 1rem auto; padding: 1rem; background: var(--panel); border: 1px solid var(--line); }
      form#entry label, form#entry input { display: block; width: 100%; margin: .4rem 0; }
      button, select, input {
        font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--faint); border-radius: 6px;
        padding: .3rem .7rem; min-height: 2.1rem;
      }
      input[type="range"] { padding: 0; accent-color: var(--accent); width: 100%; min-height: 1.8rem; }
      button { cursor: pointer; }
      button[aria-pressed="true"] { background: var(--accent); color: var(--onaccent); border-color: var(--accent); }
      button:disabled, select:disabled { opacity: .75; cursor: default; }
      :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
      .row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-bottom: .4rem; }
      #talk { font-weight: 700; min-width: 9rem; min-height: 2.8rem; touch-action: none; user-select: none; }
      .item { border-top: 1px solid var(--line); padding: .5rem 0 .3rem; }
      .item:first-child { border-top: 0; padding-top: 0; }
      .name { font-weight: 600; overflow-wrap: anywhere; }
      .figures { color: var(--faint); font-size: .86rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
      .channel { display: grid; grid-template-columns: 3.2rem minmax(0, 1fr) 5.8rem; gap: .4rem; align-items: center; }
      .channel .value { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; font-size: .86rem; }
      .well { position: relative; height: 14px; background: var(--track); border-radius: 3px; }
      .channel { margin-bottom: .3rem; }
      meter {
        display: block; width: 100%; height: 14px; border: 0; border-radius: 3px; background: none; appearance: none;
      }
      meter::-webkit-meter-inner-element { display: block; height: 14px; margin: 0; }
      meter::-webkit-meter-bar { background: none; border: 0; border-radius: 3px; height: 14px; top: 0; margin: 0; transform: none; }
      meter::-webkit-meter-optimum-value { background: var(--low); }
      meter::-webkit-meter-suboptimum-value { background: var(--high); }
      meter::-webkit-meter-even-less-good-value { background: var(--top); }
      meter::-moz-meter-bar { background: var(--low); }
      meter:-moz-meter-sub-optimum::-moz-meter-bar { background: var(--high); }
      meter:-moz-meter-sub-sub-optimum::-moz-meter-bar { background: var(--top); }
      .hold { position: absolute; top: -1px; width: 2px; height: 16px; background: var(--text); }
      .tick { position: absolute; top: 14px; width: 1px; height: 3px; background: var(--faint); }
      .clip { font-weight: 700; color: var(--bad); }
      .fader { display: grid; grid-template-columns: minmax(0, 1fr) 4.8rem auto; gap: .5rem; align-items: center; }
      #graph svg { display: block; max-width: 100%; height: auto; }
      #graph rect { fill: var(--back); stroke: var(--accent); }
      #graph text { fill: var(--text); font-size: 12px; }
      #graph text.kind { fill: var(--faint); font-size: 10px; }
      #graph path { fill: none; stroke: var(--faint); stroke-width: 1.5; }
      #events { list-style: none; margin: 0; padding: 0; max-height: 15rem; overflow: auto; font-size: .88rem; }
      #events li { padding: .15rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
      #events time { color: var(--faint); margin-right: .6em; font-variant-numeric: tabular-nums; }
      ul { margin: 0; padding-left: 1.2rem; }
      .spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
      [hidden] { display: none !important; }
      @media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }

      """#)
}
