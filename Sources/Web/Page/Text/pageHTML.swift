// Made from Source/page.html by scripts/embed-page.
extension PageText {
  static let pageHTML = Asset(
    path: "/", type: "text/html; charset=utf-8",
    text: #"""
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>streamd</title>
      <link rel="stylesheet" href="/page.css">
      <link rel="icon" href="/icon.svg" type="image/svg+xml">
      <script type="module" src="/page.js"></script>
      </head>
      <body>
      <header>
        <h1>streamd</h1>
        <p id="state" class="badge">connecting</p>
        <p id="facts"></p>
        <span class="tools">
          <label for="profile">Profile</label>
          <select id="profile" disabled><option value="">none</option></select>
          <button id="pause" type="button" aria-pressed="false">Pause meters</button>
        </span>
      </header>
      <p id="link" class="banner" role="status" hidden></p>
      <form id="entry" hidden>
        <h2>A token is needed</h2>
        <p>Open the address that <code>streamctl http url</code> prints, or paste what
          <code>streamctl token show</code> prints:</p>
        <label for="token">Token</label>
        <input id="token" type="password" autocomplete="off" spellcheck="false" required>
        <button type="submit">Use it</button>
      </form>
      <main id="main">
        <section aria-labelledby="h-problems" id="problems-panel" hidden>
          <h2 id="h-problems">Problems</h2>
          <ul id="problems"></ul>
        </section>
        <section aria-labelledby="h-levels" class="tall">
          <h2 id="h-levels">Levels</h2>
          <div id="levels"><p class="empty">Nothing is measured yet.</p></div>
        </section>
        <section aria-labelledby="h-sessions">
          <h2 id="h-sessions">Sessions</h2>
          <div id="sessions"><p class="empty">No session is open.</p></div>
        </section>
        <section aria-labelledby="h-mic">
          <h2 id="h-mic">Microphone</h2>
          <div class="row">
            <button id="talk" type="button" aria-pressed="false">Hold to talk</button>
            <button id="mic-mute" type="button" aria-pressed="false">Mute everybody</button>
            <span id="mic-state"></span>
          </div>
          <p id="talk-hint" class="hint">Hold the button, or Space while it has the focus. It lets go by itself when this page
            does.</p>
          <div id="mics"></div>
        </section>
        <section aria-labelledby="h-graph" class="wide">
          <h2 id="h-graph">Mixer graph</h2>
          <div id="graph"><p class="empty">The graph is empty.</p></div>
          <details><summary>Connections as a list</summary><ul id="connections"></ul></details>
          <div id="nodes"></div>
        </section>
        <section aria-labelledby="h-events" class="wide">
          <h2 id="h-events">Events</h2>
          <ol id="events" tabindex="0" aria-label="Events, the newest first"></ol>
        </section>
      </main>
      <div id="news" role="log" aria-live="polite" class="spoken"></div>
      <noscript><p class="banner">This page needs its script.</p></noscript>
      </body>
      </html>

      """#)
}
