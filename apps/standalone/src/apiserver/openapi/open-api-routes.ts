import { type IncomingMessage, type ServerResponse } from 'node:http';
import { writeHead, sendJson } from '../http/reply';
import { type Json } from '../kube-object';
import { type Resource } from '../resources/resource';
import { encodedOpenApiV2, openApiV2 } from './open-api-v2';
import { openApiV3, type OpenApiV3 } from './open-api-v3';

/** Not the type that was requested: kubectl 1.20 to 1.28 cannot parse its `@` in an answer. */
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const V3 = '/openapi/v3';

/** Serves the OpenAPI documents, generated at the first request. */
export class OpenApiRoutes {
  private v3: OpenApiV3 | undefined;
  private v2: { json: Json; encoded: Uint8Array } | undefined;

  constructor(private readonly resources: readonly Resource[]) {}

  /** @returns false when it is no path of a document */
  serve(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    if (path === '/openapi/v2') {
      this.serveV2(request, response);
      return true;
    }
    this.v3 ??= openApiV3(this.resources);
    const document = path === V3 ? this.v3.index : this.v3.documents.get(path.slice(V3.length + 1));
    if (document) sendJson(response, 200, document);
    return document !== undefined;
  }

  private serveV2(request: IncomingMessage, response: ServerResponse): void {
    if (!this.v2) {
      const json = openApiV2(this.resources);
      this.v2 = { json, encoded: encodedOpenApiV2(json) };
    }
    if (!request.headers.accept?.includes('proto-openapi')) {
      sendJson(response, 200, this.v2.json);
      return;
    }
    writeHead(response, 200, PROTOBUF);
    response.end(this.v2.encoded);
  }
}
