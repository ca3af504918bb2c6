// Where the browser knows Trusted Types, no text becomes a script: not by eval, not by a script element,
// not by an address. Text becomes markup through this policy alone, as htmx's fragments and the charts'
// tooltips do; the server has escaped it, and the content security policy runs nothing that stands in it.
"use strict";

if (window.trustedTypes?.createPolicy)
  trustedTypes.createPolicy("default", { createHTML: (text) => text });
