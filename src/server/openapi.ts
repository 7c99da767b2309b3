/** The OpenAPI description of the routes (3.1), made from what checks their requests. */
import { z } from 'zod';
import { VERSIONS } from '../versions.js';
import type { Route } from './routes.js';

const FAILURES: Readonly<Record<string, string>> = {
  400: 'The request cannot be answered; the message says why.',
  401: 'The token is missing or wrong.',
  404: 'There is no such route, or another model is asked for.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'All places are taken; Retry-After says when to come again.',
  500: 'The model or the server failed.',
  503: 'The network was lost, or the server stops.',
  504: 'The request took too long.',
};

export function openApiOf(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.open ? `${route.path}{name}` : route.path;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'duo-eval serve',
      version: VERSIONS.tool.replace(/^.*\//, ''),
      description: 'Discrete diffusion and autoregressive language models in the form of the OpenAI API.',
    },
    paths,
    components: {
      schemas: {
        Failure: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['message', 'type', 'code'],
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { type: ['string', 'null'] },
                code: { type: 'string' },
              },
            },
          },
        },
      },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationOf({ summary, request, isPublic, open, takesPlace }: Route): object {
  const failure = { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } };
  const statuses = request ? Object.keys(FAILURES) : ['401', '404'];
  const failures = statuses.filter((status) => takesPlace || !['429', '503', '504'].includes(status));
  return {
    summary,
    ...(!isPublic && { security: [{ token: [] }, {}] }),
    ...(open && {
      parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
    }),
    ...(request && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(request) } },
      },
    }),
    responses: {
      200: { description: 'The answer.' },
      ...Object.fromEntries(
        failures.map((status) => [status, { description: FAILURES[status], content: failure }]),
      ),
    },
  };
}

function schemaOf(request: z.ZodType): object {
  const { $schema: _, ...schema } = z.toJSONSchema(request, { io: 'input', unrepresentable: 'any' });
  return schema;
}
