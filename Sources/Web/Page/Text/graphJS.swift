// Made from Source/graph.js by scripts/embed-page.
extension PageText {
  static let graphJS = Asset(
    path: "/graph.js", type: "text/javascript; charset=utf-8",
    text: #"""
      // The mixer graph as a drawing: sound goes from left to right, and each node stands right of all that feeds it.

      import { element } from '/meters.js';

      const space = 'http://www.w3.org/2000/svg';
      const box = { width: 120, height: 38, across: 46, down: 16 };

      function shape(kind, attributes, text) {
        const made = document.createElementNS(space, kind);
        for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
        if (text !== undefined) made.textContent = text;
        return made;
      }

      function columns(nodes, connections) {
        const column = new Map(nodes.map((node) => [node.id, 0]));
        // A graph has no circles, so as many rounds as nodes are enough.
        for (let round = 0; round < nodes.length; round += 1) {
          let moved = false;
          for (const { from, to } of connections) {
            if (column.get(to) <= column.get(from)) {
              column.set(to, column.get(from) + 1);
              moved = true;
            }
          }
          if (!moved) break;
        }
        return column;
      }

      export function drawGraph(place, list, graph) {
        const { nodes = [], connections = [] } = graph;
        const names = new Map(nodes.map((node) => [node.id, node.name]));
        list.replaceChildren(...connections.map(({ from, to }) => element('li', '', `${names.get(from)} to ${names.get(to)}`)));
        if (nodes.length === 0) {
          place.replaceChildren(element('p', 'empty', 'The graph is empty.'));
          return;
        }
        const column = columns(nodes, connections);
        const filled = [];
        const at = new Map();
        for (const node of nodes) {
          const x = column.get(node.id);
          const y = filled[x] ?? 0;
          filled[x] = y + 1;
          at.set(node.id, { x: 4 + x * (box.width + box.across), y: 4 + y * (box.height + box.down) });
        }
        const width = 8 + filled.length * (box.width + box.across) - box.across;
        const height = 8 + Math.max(...filled) * (box.height + box.down) - box.down;
        const drawing = shape('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' });
        drawing.append(shape('title', {}, `${nodes.length} nodes, ${connections.length} connections`));
        for (const { from, to } of connections) {
          const [a, b] = [at.get(from), at.get(to)];
          if (!a || !b) continue;
          const [x1, y1, x2, y2] = [a.x + box.width, a.y + box.height / 2, b.x, b.y + box.height / 2];
          const bend = Math.max((x2 - x1) / 2, 14);
          drawing.append(shape('path', { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }));
        }
        for (const node of nodes) {
          const { x, y } = at.get(node.id);
          const name = node.name.length > 16 ? `${node.name.slice(0, 15)}…` : node.name;
          drawing.append(
            shape('rect', { x, y, width: box.width, height: box.height, rx: 6 }),
            shape('text', { x: x + 8, y: y + 16 }, name),
            shape('text', { x: x + 8, y: y + 30, class: 'kind' }, node.params?.mute ? `${node.type}, muted` : node.type));
        }
        place.replaceChildren(drawing);
      }

      """#)
}
