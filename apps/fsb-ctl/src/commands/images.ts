import { type Command } from 'commander';
import { NAME } from '../checks';
import { parserOf } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';
import { table } from '../table';

interface Flags extends GlobalFlags {
  readonly pool?: string;
}

const EXAMPLES = `
Examples:
  # the images of every pool of the namespace
  fsb-ctl images

  # the images of one pool
  fsb-ctl images --pool default-pool

To load an image of your own into the one-machine stack: make load ARCHIVE=image.tar
`;

export function addImages(program: Command): void {
  program
    .command('images')
    .summary('list the images that pools have')
    .description(
      "Lists the images on a pool's nodes. AGENTS: agents whose containerd has the image, of all; WARM: agents with a standby container of it.",
    )
    .option('--pool <pool>', 'list the images of this pool only', parserOf(NAME))
    .addHelpText('after', EXAMPLES)
    .action(async (_: unknown, self: Command) => {
      await images(self.optsWithGlobals<Flags>());
    });
}

async function images(flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { namespace } = settings;
  const { withGateway } = await import('../gateway.js');
  const { items } = await withGateway(settings, (gateway) => gateway.images({ namespace, poolRef: flags.pool ?? '' }));
  if (items.length === 0) {
    process.stderr.write(
      `No images found in namespace ${namespace}: it has no agents yet, or their nodes have no images.\n`,
    );
    return;
  }
  const rows = items.map(({ poolRef, name, agents, warmAgents, totalAgents }) => [
    ...[name, poolRef, `${agents}/${totalAgents}`, `${warmAgents}/${totalAgents}`],
  ]);
  process.stdout.write(table(['IMAGE', 'POOL', 'AGENTS', 'WARM'], rows));
}
