import type { OpenApiDocument, Operation } from './openapi.ts';

/** The description as a page for people: no script, nothing from elsewhere, readable when printed. */
export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation, tag: operation.tags[0] ?? '' })),
  );
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const schemas = Object.entries(document.components.schemas);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(document.info.title)} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><h1>${escaped(document.info.title)} API</h1><p>${prose(document.info.description)}</p><p><a href="/openapi.json">openapi.json</a> (OpenAPI ${document.openapi})</p></header>
<nav aria-label="Contents"><ul>${tags.map((tag) => `<li><a href="#${anchor(tag)}">${escaped(tag)}</a></li>`).join('')}<li><a href="#schemas">schemas</a></li></ul></nav>
<main>
${tags
  .map(
    (tag) =>
      `<section id="${anchor(tag)}"><h2>${escaped(tag)}</h2>\n${operations
        .filter((one) => one.tag === tag)
        .map(operationHtml)
        .join('\n')}\n</section>`,
  )
  .join('\n')}
<section id="schemas"><h2>schemas</h2>
${schemas.map(([name, schema]) => `<details id="schema-${anchor(name)}"><summary><code>${escaped(name)}</code></summary>${json(schema)}</details>`).join('\n')}
</section>
</main>
</body>
</html>
`;
}

function operationHtml({ path, method, operation }: { readonly path: string; readonly method: string; readonly operation: Operation }): string {
  const parameters = operation.parameters.map(
    (one) =>
      `<tr><td><code>${escaped(one.name)}</code></td><td>${one.in}${one.required ? ', required' : ''}</td><td>${typeHtml(one.schema)}</td><td>${escaped(one.description ?? '')}</td></tr>`,
  );
  const body = operation.requestBody === undefined ? '' : `<details><summary>Body</summary>${json(operation.requestBody['content'])}</details>`;
  return `<article id="${anchor(operation.operationId)}">
<h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${escaped(path)}</code></h3>
<p>${escaped(operation.summary)}. <span class="who">${escaped(operation.description)}</span></p>
${parameters.length === 0 ? '' : `<div class="wide"><table><thead><tr><th>Name</th><th>Where</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${parameters.join('')}</tbody></table></div>`}
${body}
<details><summary>Answers: ${Object.keys(operation.responses).map(escaped).join(', ')}</summary>${json(operation.responses)}</details>
</article>`;
}

function typeHtml(schema: Readonly<Record<string, unknown>>): string {
  const values = schema['enum'];
  if (Array.isArray(values))
    return values.length > 12
      ? `<details><summary>one of ${values.length}</summary>${values.map((value) => `<code>${escaped(String(value))}</code>`).join(' ')}</details>`
      : values.map((value) => `<code>${escaped(String(value))}</code>`).join(' ');
  return escaped(String(schema['type'] ?? ''));
}

/** JSON in which each reference leads to its schema. */
const json = (value: unknown): string =>
  `<pre>${escaped(JSON.stringify(value, null, 2)).replace(/#\/components\/schemas\/(\w+)/g, (_all, name: string) => `<a href="#schema-${anchor(name)}">${name}</a>`)}</pre>`;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const prose = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
const anchor = (text: string): string => text.replace(/[^A-Za-z0-9]+/g, '-').toLowerCase();

/** Its style, a file of its own since the page may not hold any. */
export const docsStyle = `:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.55 system-ui, "Noto Sans CJK SC", sans-serif; margin: 0 auto; max-width: 64rem; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
article { border-top: 1px solid var(--line); padding: .5rem 0; }
h2 { margin-top: 2.5rem; text-transform: capitalize; }
h3 { font-size: 1rem; margin: .5rem 0; overflow-wrap: anywhere; }
.method { border: 1px solid currentColor; border-radius: .25rem; display: inline-block; font-size: .8rem; min-width: 3.6rem; text-align: center; }
.who { opacity: .8; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
pre { background: var(--soft); overflow: auto; padding: .75rem; }
summary { cursor: pointer; }
`;
