"""`nox -s sbom`: a bill of materials of a sandbox image, from what its build recorded.

`sbom.py SHOWN FILE` reads the document of `os2 snapshot show IMAGE --json` and writes CycloneDX,
which is validated against the standard's schema.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def bill_of(image: Any) -> str:
    """Return the bill of materials of an image, as JSON."""
    contents = image["contents"]
    if contents is None or not contents["packages"]:
        raise SystemExit(f"{image['name']} has no record of its packages: build it again")
    subject = Component(
        name=image["name"], version=image["id"], type=ComponentType.CONTAINER, bom_ref=image["id"]
    )
    bom = Bom()
    bom.metadata.component = subject
    components = [component(package, contents["os"]) for package in contents["packages"]]
    components += [program(tool) for tool in contents["tools"] if tool["name"] == "node"]
    for each in components:
        bom.components.add(each)
    bom.register_dependency(subject, components)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def component(package: Any, os: str | None) -> Component:
    """Return a package as a component with the URL that names it everywhere."""
    name, version = package["name"], package["version"]
    if package["source"] == "npm":
        scope, _, short = name.rpartition("/")
        url = PackageURL("npm", scope or None, short, version)
    else:
        vendor = "ubuntu" if (os or "").startswith("Ubuntu") else "debian"
        url = PackageURL("deb", vendor, name, version)
    return Component(name=name, version=version, purl=url, bom_ref=str(url))


def program(tool: Any) -> Component:
    """Return Node.js, which comes from the base image or from its maker and not as a package."""
    name, version = tool["name"], tool["version"]
    # Without a reference of its own it gets another one each time.
    url = PackageURL("generic", None, name, version)
    return Component(
        name=name, version=version, type=ComponentType.APPLICATION, purl=url, bom_ref=str(url)
    )


def check_bill(text: str) -> None:
    """Exit with the reason if the standard's schema rejects a bill."""
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors is not None:
        raise SystemExit(f"the bill of materials is invalid: {errors}")


def main(shown: Path, target: Path) -> None:
    """Write the bill, and fail if the standard's schema rejects it."""
    text = bill_of(json.loads(shown.read_text()))
    check_bill(text)
    target.write_text(text)
    print(f"{target}: {len(json.loads(text)['components'])} components")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
