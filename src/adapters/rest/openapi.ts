/** The OpenAPI 3.1 document of a table of routes, made from the schemas that requests are checked with. */
import { z } from "zod";
import { problemSchema } from "./problem.js";
import type { Named, Route } from "./route.js";

export interface OpenApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** Whether routes that are not public need an API key. */
  readonly hasApiKeys: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = "Problem";
const KEY = "apiKey";

/** @throws Error when a name stands for two schemas: a defect of the table */
export function openApiOf(routes: readonly Route[], { hasApiKeys, ...info }: OpenApiInfo): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const operations = (paths[route.path.replace("*}", "}")] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route, hasApiKeys);
  }
  const answers = routes.flatMap(({ answer }) => (answer.kind === "text" ? [] : [answer]));
  const bodies = routes.flatMap(({ body }) => (body?.kind === "json" ? [body] : []));
  const schemas = { ...schemasOf([{ name: PROBLEM, schema: problemSchema }, ...answers], "output") };
  return {
    openapi: "3.1.0",
    info: { ...info, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { ...schemas, ...schemasOf(bodies, "input") },
      ...(hasApiKeys && { securitySchemes: { [KEY]: { type: "http", scheme: "bearer" } } }),
    },
  };
}

function operationOf(route: Route, hasApiKeys: boolean): Json {
  const { operationId, summary, params, query, body, isPublic = false } = route;
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  return {
    operationId,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content:
          body.kind === "json" ? { "application/json": { schema: reference(body.name) } } : { "*/*": { schema: {} } },
      },
    }),
    responses: {
      "200": answerOf(route),
      default: {
        description: problemsOf(route),
        content: { "application/problem+json": { schema: reference(PROBLEM) } },
      },
    },
    ...(hasApiKeys && !isPublic && { security: [{ [KEY]: [] }] }),
  };
}

function parametersOf(schema: z.ZodObject, where: "path" | "query"): Json[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const type = field as z.ZodType;
    const { description, ...form } = bare(z.toJSONSchema(type, { io: "output" }));
    const required = !type.safeParse(undefined).success;
    const parameter = { name, in: where, required, schema: form };
    return description === undefined ? parameter : Object.assign(parameter, { description });
  });
}

function answerOf({ answer, summary: description }: Route): Json {
  if (answer.kind === "json")
    return { description, content: { "application/json": { schema: reference(answer.name) } } };
  if (answer.kind === "text") return { description, content: { [answer.contentType]: { schema: { type: "string" } } } };
  if (answer.kind === "bytes") {
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, meaning]) => [
        name,
        { description: meaning, schema: { type: "string" } } as const,
      ]),
    );
    const content = { [answer.contentType]: {}, "application/json": { schema: reference(answer.name) } };
    return { description, headers, content };
  }
  return {
    description: `${description}; the data of an event are JSON, as x-event-data says`,
    content: { "text/event-stream": { schema: { type: "string" }, "x-event-data": reference(answer.name) } },
  };
}

function problemsOf({ problems = {} }: Route): string {
  const own = Object.entries(problems).map(([code, when]) => `${code}: ${when}`);
  return ["an error; its code says which", ...own].join("\n- ");
}

function reference(name: string): Json {
  return { $ref: pointer(name) };
}

function pointer(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Schemas by name, that refer to each other. */
function schemasOf(named: readonly Named[], io: "input" | "output"): Readonly<Record<string, Json>> {
  const registry = z.registry<{ id: string }>();
  const known = new Map<string, z.ZodType>();
  for (const { name, schema } of named) {
    if (known.get(name) === schema) continue;
    if (known.has(name)) throw new Error(`two schemas are named ${name}`);
    known.set(name, schema);
    registry.add(schema, { id: name });
  }
  const { schemas } = z.toJSONSchema(registry, { io, uri: pointer });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
}

/** Without what is for a document of its own. */
function bare({ $schema: _schema, $id: _id, ...schema }: Readonly<Record<string, unknown>>): Json {
  return schema;
}
