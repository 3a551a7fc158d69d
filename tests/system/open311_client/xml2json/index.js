// An element with others in it is an object, of which what comes more than once is a list.
const { DOMParser } = require("@xmldom/xmldom");

function value(element) {
  const inner = Array.from(element.childNodes).filter((node) => node.nodeType === 1);
  if (!inner.length) return element.textContent || {};
  const object = {};
  for (const one of inner) {
    const known = object[one.nodeName];
    object[one.nodeName] = known === undefined ? value(one) : [].concat(known, [value(one)]);
  }
  return object;
}

exports.toJson = (text) => {
  const { documentElement } = new DOMParser().parseFromString(text, "text/xml");
  return { [documentElement.nodeName]: value(documentElement) };
};
