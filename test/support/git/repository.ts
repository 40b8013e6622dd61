// A real Git repository in a temporary directory, for tests that push to it.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class TestRepository {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<TestRepository> {
    const repository = new TestRepository(await mkdtemp(path.join(os.tmpdir(), 'jouleops-git-')));
    await repository.git('init', '--quiet', '--initial-branch=main');
    return repository;
  }

  get url(): string {
    return `file://${this.directory}`;
  }

  async git(...args: string[]): Promise<string> {
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
    const { stdout } = await run('git', [...who, ...args], { cwd: this.directory, maxBuffer: 2 ** 24 });
    return stdout.trim();
  }

  async write(files: Record<string, string | Buffer>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const at = path.join(this.directory, name);
      await mkdir(path.dirname(at), { recursive: true });
      await writeFile(at, text);
    }
  }

  async link(name: string, target: string): Promise<void> {
    await symlink(target, path.join(this.directory, name));
  }

  /** @returns the commit */
  async commit(files: Record<string, string | Buffer> = {}): Promise<string> {
    await this.write(files);
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '-m', 'change');
    return this.git('rev-parse', 'HEAD');
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
