import type { Mapping } from '../../model/mapping.ts';
import type { Registry } from '../../store/registry/port.ts';
import type { MappingCodec } from './codec.ts';

/** Keeps a codec at the mappings that the registry holds; `reload` is for whenever the registry may have changed. */
export class MappingWatch {
  readonly #registry: Pick<Registry, 'mappings'>;
  readonly #codec: MappingCodec;
  readonly #isTaken: (mapping: Mapping) => boolean;
  readonly #onTopics: (topics: readonly string[]) => Promise<void> | void;

  /**
   * @param onTopics is told the filters to subscribe to, whenever they changed
   * @param isTaken which of the mappings are this process's; left out: all
   */
  constructor(
    registry: Pick<Registry, 'mappings'>,
    codec: MappingCodec,
    onTopics: (topics: readonly string[]) => Promise<void> | void,
    isTaken: (mapping: Mapping) => boolean = () => true,
  ) {
    this.#registry = registry;
    this.#codec = codec;
    this.#onTopics = onTopics;
    this.#isTaken = isTaken;
  }

  async reload(): Promise<void> {
    const mappings = (await this.#registry.mappings.all()).filter(this.#isTaken);
    if (this.#codec.load(mappings)) await this.#onTopics(this.#codec.topics);
  }
}
