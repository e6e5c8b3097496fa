// idle-connections.mjs PORT COUNT tcp|tls: opens COUNT connections to 127.0.0.1 and sends nothing. Each output line is
// `OPEN CLOSED`: connections opened so far, and those that the other side closed. SIGTERM ends it.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, count, kind] = process.argv.slice(2);
/** Concurrent connects; a listener's backlog holds 511. */
const AT_ONCE = 100;
let [open, closed] = [0, 0];

function one() {
  return new Promise((resolve) => {
    const to = { host: '127.0.0.1', port: Number(port) };
    const socket =
      kind === 'tls'
        ? connectTls({ ...to, rejectUnauthorized: false, ALPNProtocols: ['h2'] }, opened)
        : connect(to, opened);
    function opened() {
      open++;
      resolve();
    }
    socket.on('error', resolve); // counted at its close event
    socket.on('close', () => {
      closed++;
      resolve();
    });
  });
}

for (let begun = 0; begun < Number(count); begun += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one));
console.log(`${open} ${closed}`);
setInterval(() => console.log(`${open} ${closed}`), 500);
