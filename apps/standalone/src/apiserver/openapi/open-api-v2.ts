import { parse } from 'protobufjs';
import { isJson, type Json } from '../kube-object';
import { type Resource } from '../resources/resource';
import { definitions } from './definitions';

/** The part of gnostic's Document that kubectl up to 1.28 reads; it rejects the JSON form. */
const PROTO = `
syntax = "proto3";
message Document { string swagger = 1; Info info = 2; Paths paths = 8; Definitions definitions = 9; }
message Info { string title = 1; string version = 2; }
message Paths { repeated NamedPathItem path = 2; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message PathItem { Operation patch = 8; }
message Operation { repeated ParametersItem parameters = 8; repeated NamedAny vendor_extension = 13; }
message ParametersItem { Parameter parameter = 1; }
message Parameter { NonBodyParameter non_body_parameter = 2; }
message NonBodyParameter { QueryParameter query_parameter_sub_schema = 3; }
message QueryParameter { string in = 2; string name = 4; }
message Definitions { repeated NamedSchema additional_properties = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Schema {
  string _ref = 1; string format = 2; string description = 4; repeated string required = 19;
  AdditionalPropertiesItem additional_properties = 21; TypeItem type = 22; ItemsItem items = 23;
  Properties properties = 25; repeated NamedAny vendor_extension = 31;
}
message AdditionalPropertiesItem { Schema schema = 1; }
message TypeItem { repeated string value = 1; }
message ItemsItem { repeated Schema schema = 1; }
message Properties { repeated NamedSchema additional_properties = 1; }
message NamedAny { string name = 1; Any value = 2; }
message Any { string yaml = 2; }
`;
const DOCUMENT = parse(PROTO, { keepCase: true }).root.lookupType('Document');
const GVK = 'x-kubernetes-group-version-kind';

export function openApiV2(resources: readonly Resource[]): Json {
  return {
    swagger: '2.0',
    info: { title: 'Fast Sandbox, one machine', version: 'v1' },
    paths: Object.fromEntries(resources.map(pathOf)),
    definitions: definitions(resources, '#/definitions/'),
  };
}

/** The patch operation, by which kubectl detects support of dry runs. */
function pathOf({ group, version, kind, plural }: Resource): [string, Json] {
  const parameters = ['dryRun', 'fieldValidation'].map((name) => ({ name, in: 'query', type: 'string' }));
  const patch = { parameters, responses: { 200: { description: 'OK' } }, [GVK]: { group, version, kind } };
  return [`/${group}/${version}/${plural}/{name}`, { patch }];
}

/** The document as protobuf, for kubectl up to 1.28. */
export function encodedOpenApiV2(document: Json): Uint8Array {
  const { swagger, info, paths, definitions: schemas } = document;
  const path = Object.entries(isJson(paths) ? paths : {}).map(([name, item]) => ({ name, value: pathItem(item) }));
  const message = { swagger, info, paths: { path }, definitions: { additional_properties: named(schemas) } };
  return DOCUMENT.encode(DOCUMENT.fromObject(message)).finish();
}

function pathItem(item: unknown): Json {
  const patch = isJson(item) && isJson(item['patch']) ? item['patch'] : {};
  const parameters = (Array.isArray(patch['parameters']) ? patch['parameters'] : []).map((parameter: unknown) => ({
    parameter: { non_body_parameter: { query_parameter_sub_schema: parameter } },
  }));
  return { patch: { parameters, vendor_extension: [gvkExtension(patch[GVK])] } };
}

function gvkExtension(value: unknown): Json {
  return { name: GVK, value: { yaml: JSON.stringify(value) } };
}

function named(schemas: unknown): Json[] {
  return Object.entries(isJson(schemas) ? schemas : {}).map(([name, value]) => ({ name, value: schema(value) }));
}

function schema(value: unknown): Json {
  if (!isJson(value)) return {};
  const { $ref, type, format, description, required, items, properties, additionalProperties } = value;
  return {
    ...($ref !== undefined && { _ref: $ref }),
    ...(type !== undefined && { type: { value: [type] } }),
    ...(format !== undefined && { format }),
    ...(description !== undefined && { description }),
    ...(required !== undefined && { required }),
    ...(items !== undefined && { items: { schema: [schema(items)] } }),
    ...(properties !== undefined && { properties: { additional_properties: named(properties) } }),
    ...(additionalProperties !== undefined && { additional_properties: { schema: schema(additionalProperties) } }),
    ...(value[GVK] !== undefined && { vendor_extension: [gvkExtension(value[GVK])] }),
  };
}
