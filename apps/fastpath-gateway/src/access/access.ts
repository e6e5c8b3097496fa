import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { Authenticator } from './authenticator';
import { Authorizer } from './authorizer';
import { type Visible } from '../sandboxes/sandbox-queries';
import { type Caller } from './caller';

export interface AccessOptions {
  readonly insecurePlaintext: boolean;
  /** of the cluster's tokens; empty: any token is reviewed */
  readonly tokenIssuers: readonly string[];
}

/** Who is let in, and to what. */
export class Access {
  /** undefined: nobody is asked */
  readonly authenticator: Authenticator | undefined;
  readonly authorizer: Authorizer;

  constructor(client: KubeClient, { insecurePlaintext, tokenIssuers }: AccessOptions) {
    this.authenticator = insecurePlaintext ? undefined : new Authenticator(client, tokenIssuers);
    this.authorizer = new Authorizer(client);
  }

  /**
   * Whose sandboxes the caller may list.
   * @param namespaces asked for only where that is not `all`
   */
  async listable(caller: Caller, namespaces: () => readonly string[]): Promise<Visible> {
    if (await this.mayList(caller, '')) return 'all';
    const allowed: string[] = [];
    for (const namespace of namespaces()) if (await this.mayList(caller, namespace)) allowed.push(namespace);
    return allowed;
  }

  private mayList(caller: Caller, namespace: string): boolean | Promise<boolean> {
    if (!this.authenticator) return true;
    return this.authorizer.allows(caller, { verb: 'list', subresource: '' }, { namespace, name: '' });
  }
}
