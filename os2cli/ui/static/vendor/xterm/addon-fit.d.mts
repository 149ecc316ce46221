// What the page uses of it, for the check of its scripts; not the package's own declarations.
export class FitAddon {
  fit(): void;
}
