import { type RegistryAuth } from '@fsb/containerd/image-store';

export interface RegistrySecret extends RegistryAuth {
  /** as in a dockerconfigjson: a host, or a URL */
  readonly host: string;
}

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** The credentials for an image's registry; undefined: no secret is for it. Pure. @param image normalised */
export function secretFor(image: string, secrets: readonly RegistrySecret[]): RegistryAuth | undefined {
  const wanted = hostOf(image);
  const secret = secrets.find(({ host }) => hostOf(host) === wanted);
  return secret && { username: secret.username, password: secret.password };
}

function hostOf(text: string): string {
  const host = text.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return DOCKER_HUB.has(host) ? 'docker.io' : host;
}
