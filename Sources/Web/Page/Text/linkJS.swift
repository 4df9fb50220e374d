// Made from Source/link.js by scripts/embed-page.
extension PageText {
  static let linkJS = Asset(
    path: "/link.js", type: "text/javascript; charset=utf-8",
    text: #"""
      // The way to the daemon: a token, requests, and events over fetch, which comes back by itself.

      const key = 'streamd-token';

      // The token comes in the part of the address that no server is told, once.
      export function takeToken() {
        const found = new URLSearchParams(location.hash.slice(1)).get('token');
        if (found) {
          sessionStorage.setItem(key, found);
          history.replaceState(null, '', location.pathname);
        }
        return sessionStorage.getItem(key);
      }

      export const keepToken = (token) => sessionStorage.setItem(key, token);

      const headers = () => ({ Authorization: `Bearer ${sessionStorage.getItem(key) ?? ''}` });

      export class Refused extends Error {
        constructor(status, error) {
          super(error?.hint ? `${error.message} (${error.hint})` : error?.message ?? `status ${status}`);
          this.status = status;
          this.code = error?.code;
        }
      }

      async function answer(response) {
        const body = await response.json().catch(() => ({}));
        if (!response.ok) throw new Refused(response.status, body.error);
        return body;
      }

      export async function read(operation, parameters = {}) {
        const query = new URLSearchParams(parameters).toString();
        return answer(await fetch(`/api/v1/${operation}${query ? `?${query}` : ''}`, { headers: headers() }));
      }

      export async function change(operation, parameters = {}, keepalive = false) {
        const options = {
          method: 'POST', keepalive, body: JSON.stringify(parameters),
          headers: { ...headers(), 'Content-Type': 'application/json' },
        };
        return answer(await fetch(`/api/v1/${operation}`, options));
      }

      // Calls hear(topic, data) for each event, and say(state, error) when the link comes or goes: 'open', 'lost', 'refused'.
      export async function listen(topics, rate, hear, say) {
        let wait = 500;
        for (;;) {
          const stop = new AbortController();
          try {
            const query = new URLSearchParams({ topics: topics.join(','), rate, max_hz: 4 });
            const response = await fetch(`/api/v1/events?${query}`, { headers: headers(), signal: stop.signal });
            if (!response.ok) await answer(response);
            say('open');
            wait = 500;
            await follow(response.body.getReader(), hear, stop);
            say('lost');
          } catch (error) {
            if (error.status === 401 || error.status === 403) return say('refused', error);
            say('lost', error);
          }
          stop.abort();
          await new Promise((done) => setTimeout(done, wait));
          wait = Math.min(wait * 2, 8000);
        }
      }

      async function follow(reader, hear, stop) {
        const decoder = new TextDecoder();
        let text = '';
        // The daemon says something every 15 seconds; who is silent for longer has gone.
        let watchdog;
        const patience = () => {
          clearTimeout(watchdog);
          watchdog = setTimeout(() => stop.abort(), 40000);
        };
        try {
          for (;;) {
            patience();
            const { value, done } = await reader.read();
            if (done) return;
            text += decoder.decode(value, { stream: true });
            const parts = text.split('\n\n');
            text = parts.pop();
            for (const part of parts) {
              const fields = {};
              for (const line of part.split('\n')) {
                const colon = line.indexOf(': ');
                if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
              }
              if (fields.event && fields.data) hear(fields.event, JSON.parse(fields.data));
            }
          }
        } finally {
          clearTimeout(watchdog);
        }
      }

      """#)
}
