import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import request from 'supertest';
import type { OpenApiDocument } from '../../api/openapi.ts';
import { ROUTES } from '../../api/routes.ts';
import { TestService } from './service.ts';

describe("the API's description of itself", () => {
  let service: TestService;
  let document: OpenApiDocument;
  before(async () => {
    service = await TestService.open();
    document = (await request(service.app).get('/openapi.json')).body;
  });
  after(() => service.close());

  it('is OpenAPI 3.1 and holds every route with its parameters, and no other', () => {
    expect(document.openapi).to.equal('3.1.0');
    const described = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    expect(described.sort()).to.deep.equal(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(methods)) expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).to.deep.equal(named);
    }
  });

  it('gives every operation a name of its own', () => {
    const names = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(names).size).to.equal(names.length);
  });

  it('refers only to what it holds, and every schema compiles', () => {
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) expect(document.components.schemas).to.have.property(name ?? '');
    const ajv = new Ajv2020({ strict: false, discriminator: true, validateFormats: false });
    ajv.addSchema({ ...document, $id: 'api' });
    for (const name of Object.keys(document.components.schemas)) ajv.compile({ $ref: `api#/components/schemas/${name}` });
  });

  it('is a page for people that needs no script and nothing from elsewhere', async () => {
    const { text, headers } = await request(service.app).get('/docs');
    expect(headers['content-type']).to.match(/^text\/html/);
    expect(text).not.to.match(/<script|<style|style=|onclick|https?:\/\/|\/\/cdn/);
    for (const { path, summary } of ROUTES) expect(text).to.contain(path).and.to.contain(summary.split("'")[0]);
    expect((await request(service.app).get('/docs/style.css')).headers['content-type']).to.match(/^text\/css/);
  });
});
