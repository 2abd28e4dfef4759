# SPDX-License-Identifier: GPL-2.0-only
#
# The book's configuration for Sphinx: `make htmldocs` writes it to build/htmldocs, without a network.
# Every chapter is also meant to be read as plain text, so that little of Sphinx is used: the
# toctree of index.rst, cross references, diagrams in Graphviz, and the logs of logs/.

import pathlib
import re

HEADER = pathlib.Path(__file__).resolve().parent.parent / "uapi/linux/minikvm.h"

project = "minikvm"
author = "the authors of minikvm"
project_copyright = "GPL-2.0-only"
release = version = re.search(r"MINIKVM_ABI_VERSION\s+(\d+)", HEADER.read_text()).group(1) + ".0"

extensions = ["sphinx.ext.graphviz"]
exclude_patterns = ["logs"]
root_doc = "index"
language = "en"
highlight_language = "none"
smartquotes = False
nitpicky = True

graphviz_output_format = "svg"

html_theme = "alabaster"
html_title = "minikvm"
html_show_copyright = False
html_copy_source = True
html_last_updated_fmt = None
html_sidebars = {"**": ["about.html", "navigation.html", "relations.html", "searchbox.html"]}
html_theme_options = {
    "description": "A VT-x and VT-d hypervisor for Linux that can be read",
    "fixed_sidebar": True,
    "page_width": "76em",
    "sidebar_width": "17em",
    "body_max_width": "none",
    "font_family": "serif",
    "code_font_size": "0.8em",
    "show_powered_by": False,
}
