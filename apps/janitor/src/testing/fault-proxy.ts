import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Agent, request } from 'node:https';

/** `hang`: no answer; a number: that HTTP status; `none`: forwarded. */
export type Fault = 'none' | 'hang' | number;

/** HTTP proxy between the janitor and the API server. Forwards every request for which {@link fault} returns `none`. */
export class FaultProxy {
  /** Chooses the fault of a request, given as `METHOD /path`. */
  fault: (request: string) => Fault = () => 'none';
  /** All requests as `METHOD /path`, answered or not. */
  readonly asked: string[] = [];
  private readonly agent = new Agent({ rejectUnauthorized: false, keepAlive: true });

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {}

  static async start(target: number): Promise<FaultProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultProxy(server, target);
    proxy.serve();
    return proxy;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  private serve(): void {
    this.server.on('request', (incoming, outgoing) => {
      const { method = '', url: path = '', headers } = incoming;
      this.asked.push(`${method} ${path}`);
      const fault = this.fault(`${method} ${path}`);
      if (fault === 'hang') return;
      if (fault !== 'none') {
        outgoing.statusCode = fault;
        outgoing.end(JSON.stringify({ kind: 'Status', reason: 'Faulty', message: 'the proxy says so' }));
        return;
      }
      const onward = request({ host: '127.0.0.1', port: this.target, method, path, headers, agent: this.agent });
      onward.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    });
  }
}
