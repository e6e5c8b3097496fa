import { type Json } from '../../apps/standalone/src/apiserver/kube-object';
import { ApiserverProcess } from '../support/apiserver-process';
import { eventually } from '../support/eventually';
import { type KubeHttp, type Reply } from '../support/kube-http';
import { KubernetesCluster } from '../support/kubernetes-cluster';
import { builtIn } from './cases/built-in';
import { cluster } from './cases/cluster';
import { podsAndNodes } from './cases/pods';
import { sandboxReads } from './cases/sandbox-reads';
import { sandboxWrites } from './cases/sandbox-writes';
import { KNOWN, knownFor, placeOf } from './known-differences';
import { type Difference, differences, Normaliser } from './normalise';
import { type Ask, type Row } from './row';

type Server = Pick<KubeHttp, 'ask' | 'watch'>;

const TABLES = { builtIn, cluster, podsAndNodes, sandboxReads, sandboxWrites };
/** Limit of `until`: a real garbage collector discovers new kinds every 30 s. */
const BY_AND_BY_MS = 90_000;
/** Headers that callers act on. */
const HEADERS = ['content-type', 'warning', 'retry-after'];

/** One of the two servers, with its answers so far. */
class Side {
  private readonly normaliser = new Normaliser();
  private readonly replies = new Map<string, Reply>();

  constructor(private readonly server: Server) {}

  async answer([name, method, given, { until, view } = {}]: Row): Promise<unknown> {
    const ask = this.resolve(given);
    const once = (): Promise<Reply> =>
      method === 'WATCH' ? this.watch(ask) : this.server.ask(method, ask.path, ask.body, ask.headers);
    const reply = until ? await eventually(async () => checked(await once(), until), BY_AND_BY_MS, 200) : await once();
    this.replies.set(name, reply);
    const headers = Object.fromEntries(HEADERS.map((header) => [header, reply.headers[header]]));
    const body = view ? view(reply.body) : reply.body;
    return this.normaliser.normalise({ status: reply.status, headers, body });
  }

  private resolve(given: Row[2]): Ask {
    if (typeof given === 'string') return { path: given };
    if (typeof given !== 'function') return given;
    return given((name) => {
      const reply = this.replies.get(name);
      if (!reply) throw new Error(`no request "${name}" came before`);
      return reply;
    });
  }

  private async watch({ path, headers, events: wanted }: Ask): Promise<Reply> {
    const { events, response } = await this.server.watch(path, headers);
    await eventually(() => response.closed || (wanted !== undefined && events.length >= wanted), 15_000);
    response.destroy();
    const first: Json | undefined = events[0];
    const body = response.statusCode === 200 ? { events } : (first ?? {});
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  }
}

/** @returns false to make `eventually` ask again */
function checked(reply: Reply, until: (reply: Reply) => boolean): Reply | false {
  return until(reply) && reply;
}

describe('Our own API server and a real one', () => {
  let ours: ApiserverProcess;
  let real: KubernetesCluster;
  const met = new Set<string>();

  beforeAll(async () => {
    [ours, real] = await Promise.all([ApiserverProcess.start(), KubernetesCluster.start()]);
  }, 180_000);
  afterAll(() => Promise.all([ours.end(), real.end()]), 60_000);

  const makeNamespace = async (name: string): Promise<void> => {
    for (const server of [ours, real]) await server.ask('POST', '/api/v1/namespaces', { metadata: { name } });
    await eventually(() => real.takesPods(name), 30_000);
  };

  describe.each(Object.entries(TABLES))('answer the same: %s', (table, { namespace, rows }) => {
    let sides: readonly Side[];
    beforeAll(async () => {
      await makeNamespace(namespace);
      sides = [new Side(ours), new Side(real)];
    }, 60_000);

    it.each(rows.map((row): [string, Row] => [row[0], row]))(
      '%s',
      async (name, row) => {
        const answers = await Promise.all(sides.map((side) => side.answer(row)));
        const found = differences(answers[0], answers[1]);
        const known = knownFor(table, name);
        const isKnown = ({ path }: Difference): boolean => {
          const entry = known.find(({ paths }) => paths.test(path));
          if (entry) met.add(`${entry.why} ${placeOf(entry, table, name)}`);
          return entry !== undefined;
        };
        expect(found.filter((difference) => !isKnown(difference))).toEqual([]);
      },
      BY_AND_BY_MS + 30_000,
    );
  });

  it('KNOWN: every listed difference still exists', () => {
    const listed = KNOWN.flatMap(({ where = ['everywhere'], why }) => where.map((place) => `${why} ${place}`));
    expect(listed.filter((one) => !met.has(one))).toEqual([]);
  });
});
