import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lockDataDirectory } from '../../store/process-lock.ts';
import { SmallDisk } from '../servers/small-disk.ts';

const MODULE = new URL('../../store/process-lock.js', import.meta.url).href;

describe('data directory: one process', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'greenpark-lock-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Another process that holds the directory once this resolves. */
  async function holder(): Promise<ChildProcess> {
    const program = `const { lockDataDirectory } = await import(${JSON.stringify(MODULE)});
      globalThis.lock = lockDataDirectory(${JSON.stringify(folder)}); console.log('held'); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }
  const codeOf = (dir: string): string => {
    try {
      lockDataDirectory(dir).release();
      return 'free';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('refuses a directory that another process holds, until that one is killed with -9', async () => {
    const child = await holder();
    expect(codeOf(folder)).to.equal('DATA_DIR_IN_USE');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(codeOf(folder)).to.equal('free');
  });

  it('refuses a second claim in the same process, and gives way after release', () => {
    const lock = lockDataDirectory(folder);
    expect(codeOf(folder)).to.equal('DATA_DIR_IN_USE');
    lock.release();
    lock.release();
    expect(codeOf(folder)).to.equal('free');
  });

  it('needs no room on a disk that is full', () => {
    const disk = SmallDisk.make(1);
    try {
      expect(codeOf(disk.folder)).to.equal('free');
      disk.fill(process.pid);
      expect(codeOf(disk.folder)).to.equal('free');
    } finally {
      disk.free(process.pid);
      disk.remove();
    }
  });

  it('makes a missing directory, and says when it cannot', () => {
    expect(codeOf(join(folder, 'new', 'data'))).to.equal('free');
    writeFileSync(join(folder, 'plain'), '');
    expect(codeOf(join(folder, 'plain'))).to.equal('DATA_DIR_UNWRITABLE');
  });
});
