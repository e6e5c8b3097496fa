import { ANY_REGISTRY, isRegistryEntry, REGISTRY_RULE } from '@fsb/api/allowed-registries';
import { z } from 'zod';
import { flag } from './config';

/** `--allowed-registries`, the same flag for every process that takes image names. */
export const allowedRegistriesFlag = flag(
  z
    .string()
    .default(ANY_REGISTRY)
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every(isRegistryEntry), REGISTRY_RULE),
  'Registries whose images sandboxes may run, separated by commas, as in docker.io,ghcr.io/owner,*.example.com; *: any',
);
