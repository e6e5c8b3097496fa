import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Logger, type OnModuleInit } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type AddressRange, contains, textOf } from './address-range';
import { blockPlan, type NameserverRoute, sparedNameservers } from './block-plan';
import { IpCommand } from './ip-command';

/** A setting of the whole machine, visible in the initial network namespace only. */
const ONLY_OF_THE_MACHINE = '/proc/sys/net/core/dev_weight';

/**
 * Blocks addresses where a node gets its credentials for all sandboxes, before the first create. By routes, since the
 * kernel has them without modules, and a sandbox has no NET_ADMIN to remove them.
 */
export class BlockedAddresses implements OnModuleInit {
  private readonly logger = new Logger(BlockedAddresses.name);

  /** @param networkNamespace path */
  constructor(
    private readonly networkNamespace: string,
    private readonly blocked: readonly AddressRange[],
  ) {}

  /** @throws Error where an address would stay reachable; the agent then does not start */
  async onModuleInit(): Promise<void> {
    const addresses = this.blocked.map(textOf);
    if (addresses.length === 0) return;
    try {
      if (isMachines(this.networkNamespace)) {
        this.logger.warn({ msg: "nothing is blocked: the sandboxes share the machine's own network", addresses });
        return;
      }
      const ip = new IpCommand(this.networkNamespace);
      await ip.batch(blockPlan(this.blocked, await ip.hasIpv6(), await this.spared(ip)));
    } catch (error) {
      throw new Error(
        `cannot block ${addresses.join(', ')} in ${this.networkNamespace}: ${messageOf(error)}. ` +
          'The agent needs iproute2 and NET_ADMIN; --blocked-addresses=none leaves them open to all sandboxes',
        { cause: error },
      );
    }
    this.logger.log({ msg: 'blocked for sandboxes', addresses });
  }

  private async spared(ip: IpCommand): Promise<NameserverRoute[]> {
    const nameservers = await nameserversOf('/etc/resolv.conf');
    const spared = sparedNameservers(this.blocked, nameservers);
    const cutOff = nameservers.filter((one) => !spared.includes(one) && this.blocked.some((all) => contains(all, one)));
    if (cutOff.length > 0)
      this.logger.warn({ msg: 'sandboxes cannot ask these nameservers: they are blocked addresses', cutOff });
    const routes = await Promise.all(spared.map((address) => ip.routeTo(address)));
    return routes.filter((route) => route !== undefined);
  }
}

/** Nameservers of the file that every sandbox gets. */
async function nameserversOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => ''); // no file: no nameservers
  const addresses = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address = '']) => address);
  return addresses.filter((address) => isIP(address) !== 0 && !address.includes('%'));
}

/**
 * Whether the namespace is the machine's own. For the agent's own namespace a kernel setting decides, since in a Pod
 * process 1 is not the machine's; for another, a comparison with process 1, where it may be read.
 */
function isMachines(networkNamespace: string): boolean {
  const { ino } = statSync(networkNamespace);
  if (ino === statSync('/proc/self/ns/net').ino) return existsSync(ONLY_OF_THE_MACHINE);
  try {
    return ino === statSync('/proc/1/ns/net').ino;
  } catch {
    return false;
  }
}
