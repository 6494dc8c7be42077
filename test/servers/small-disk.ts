import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder whose disk can be filled to the last byte and emptied again: a file system of its own in memory. Where mounting is not
 * permitted, a process is kept from writing into any file instead (prlimit --fsize), which it meets as an error of each write.
 *
 *     const disk = SmallDisk.make(160);
 *     disk.fill(service.pid);
 *     disk.free(service.pid);
 *     disk.remove();            // in the end, always
 */
export class SmallDisk {
  readonly folder: string;
  /** Is it a file system of its own? */
  readonly isReal: boolean;
  readonly #ballast: string;
  readonly #removeAtExit = (): void => this.remove();

  private constructor(folder: string, isReal: boolean) {
    this.folder = folder;
    this.isReal = isReal;
    this.#ballast = join(folder, 'ballast');
    process.once('exit', this.#removeAtExit);
  }

  static make(megabytes: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-disk-'));
    return new SmallDisk(folder, succeeds('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'greenpark-test', folder));
  }

  /** Leaves so many bytes to write, to this process at least: of the whole disk, or where it is none of its own, of each file. */
  fill(pid: number, leaving = 0): void {
    if (this.isReal) fillWith(this.#ballast, leaving);
    else execFileSync('prlimit', ['--pid', String(pid), `--fsize=${Math.max(1, leaving)}:`]);
  }

  /** There is room again. */
  free(pid: number): void {
    if (this.isReal) rmSync(this.#ballast, { force: true });
    else execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:']);
  }

  remove(): void {
    process.off('exit', this.#removeAtExit);
    // Lazily: whatever still has a file open there does not keep it in the tree.
    if (this.isReal) succeeds('umount', '-l', this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function succeeds(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function fillWith(path: string, leaving: number): void {
  const file = openSync(path, 'a');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  try {
    for (const size of [1 << 20, 1 << 12]) {
      const piece = Buffer.alloc(size, 1);
      while ((leaving === 0 || free() - size >= leaving) && wasWritten(file, piece));
    }
  } finally {
    closeSync(file);
  }
}

function wasWritten(file: number, piece: Buffer): boolean {
  try {
    writeSync(file, piece);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
