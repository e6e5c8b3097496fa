import { AgentProcess } from '../../../test/support/agent-process';
import { ArchiveRegistry } from './testing/archive-registry';
import { ImageArchive } from './testing/image-archive';

/** A registry on the node's own loopback, which nothing outside the node can reach. */
describe('node-agent: registries', () => {
  let agent: AgentProcess;
  let registry: ArchiveRegistry;

  beforeAll(async () => {
    registry = await ArchiveRegistry.start(new ImageArchive());
    agent = await AgentProcess.start('registries', {
      ...{ pull: 'true', 'registry-addresses': '', 'allowed-registries': `docker.io,localhost,${registry.host}` },
    });
  }, 120_000);

  afterAll(async () => {
    registry.stop();
    await agent.stop();
  }, 60_000);

  it.each(['IfNotPresent', 'Always'])(
    'on loopback get no request with %s, and all ports look the same',
    async (imagePullPolicy) => {
      const answers = [];
      for (const image of [`${registry.host}/a/b:1`, 'localhost/a/b:1']) {
        const { status, body } = await agent.create('probe', { image, imagePullPolicy });
        expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_argument' });
        answers.push(body.message?.replace(/registry \S+/, ''));
      }
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toMatch(/^image: .*--registry-addresses/);
      expect(registry.requests).toEqual([]);
      expect((await agent.status()).sandboxStatuses).toEqual([]);
    },
  );

  it('that are not allowed are refused by name, before anything else, with every policy', async () => {
    const image = 'elsewhere.example/a/b:1';
    for (const imagePullPolicy of ['IfNotPresent', 'Always', 'Never']) {
      const { status, body } = await agent.create('probe', { image, imagePullPolicy });
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_argument' });
      expect(body.message).toMatch(
        /^image: elsewhere\.example\/a\/b:1 is of no registry that .* allows: docker\.io, localhost/,
      );
    }
  });

  it('are not looked up for a cached image', async () => {
    expect(await agent.create('cached', { command: ['/bin/true'] })).toMatchObject({ status: 200 });
  });
});
