// What the page uses of it, for the check of its scripts; not the package's own declarations.
export class Terminal {
  constructor(options: object);
  readonly cols: number;
  readonly rows: number;
  options: { theme: object };
  open(parent: HTMLElement): void;
  focus(): void;
  reset(): void;
  write(data: Uint8Array, then: () => void): void;
  loadAddon(addon: object): void;
  onData(then: (text: string) => void): object;
  onBinary(then: (text: string) => void): object;
  onResize(then: (size: { cols: number; rows: number }) => void): object;
  attachCustomKeyEventHandler(takes: (event: KeyboardEvent) => boolean): void;
}
