import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@fsb/api/errors';
import { z } from 'zod';
import { fieldAt, isJson, type Json } from '../kube-object';
import { type StatusCause } from '../status-error';
import { compileRule } from './rule-expression';

const VALIDATIONS = 'x-kubernetes-validations';
/** Keywords below which rules are refused: they would apply to each item or alternative, and no CRD has one there. */
const NOT_FOLLOWED = ['items', 'additionalProperties', 'allOf', 'anyOf', 'oneOf', 'not'];

const validations = z.array(
  z.strictObject({
    rule: z.string(),
    message: z.string(),
    fieldPath: z
      .string()
      .regex(/^(\.\w+)+$/, 'only dotted paths are served here')
      .optional(),
  }),
);

interface SchemaRule {
  /** path of `self` */
  readonly path: readonly string[];
  /** field named in violations */
  readonly field: string;
  readonly message: string;
  /** uses `oldSelf`, so it is checked on updates only */
  readonly isTransition: boolean;
  readonly holds: ReturnType<typeof compileRule>;
}

/** The `x-kubernetes-validations` of a CRD's schema, the same rules that a cluster's API server evaluates. */
export class SchemaRules {
  private constructor(private readonly rules: readonly SchemaRule[]) {}

  /** @throws Error when the schema has a rule that cannot be evaluated here */
  static of(schema: Json): SchemaRules {
    return new SchemaRules(rulesOf(schema, []));
  }

  /**
   * @param previous absent: the object is new
   * @returns a cause for each rule that `object` breaks; rules of unchanged values are not evaluated
   */
  causes(object: Json, previous: Json | undefined): StatusCause[] {
    return this.rules.flatMap((rule) => {
      const [self, oldSelf] = [fieldAt(object, rule.path), fieldAt(previous, rule.path)];
      if (self === undefined || (rule.isTransition && oldSelf === undefined)) return [];
      // values stored under earlier rules may stay
      if (oldSelf !== undefined && isDeepStrictEqual(self, oldSelf)) return [];
      const why = refusal(rule, { self, oldSelf });
      return why === undefined
        ? []
        : [{ reason: 'FieldValueInvalid', field: rule.field, message: `Invalid value: ${why}` }];
    });
  }
}

function refusal({ holds, message }: SchemaRule, operands: Parameters<SchemaRule['holds']>[0]): string | undefined {
  try {
    return holds(operands) ? undefined : message;
  } catch (error) {
    return messageOf(error);
  }
}

function rulesOf(schema: Json, path: readonly string[]): SchemaRule[] {
  const own = validations.parse(schema[VALIDATIONS] ?? []).map(({ rule, message, fieldPath = '' }): SchemaRule => ({
    ...{ path, field: `${path.join('.')}${fieldPath}`, message },
    isTransition: /\boldSelf\b/.test(rule),
    holds: compileRule(rule),
  }));
  for (const keyword of NOT_FOLLOWED) refuseRules(schema[keyword], [...path, keyword]);
  const properties = isJson(schema['properties']) ? Object.entries(schema['properties']) : [];
  return [...own, ...properties.flatMap(([name, inner]) => (isJson(inner) ? rulesOf(inner, [...path, name]) : []))];
}

/** @throws Error */
function refuseRules(schema: unknown, path: readonly string[]): void {
  if (JSON.stringify(schema ?? null).includes(`"${VALIDATIONS}"`)) {
    throw new Error(`${path.join('.')}: rules of items and of alternatives are not evaluated here`);
  }
}
