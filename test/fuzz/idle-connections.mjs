// idle-connections.mjs PORT COUNT tcp|tls: opens so many connections to 127.0.0.1 and says nothing on them. Each line of its
// output is `OPEN CLOSED`, the connections that are open and those that the other side has ended; SIGTERM ends it.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, count, kind] = process.argv.slice(2);
/** A listener's backlog holds 511. */
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
    socket.on('error', resolve); // its close is counted
    socket.on('close', () => {
      closed++;
      resolve();
    });
  });
}

for (let begun = 0; begun < Number(count); begun += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one));
console.log(`${open} ${closed}`);
setInterval(() => console.log(`${open} ${closed}`), 500);
