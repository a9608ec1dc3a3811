"""Translations of Gradio's own English messages (file too large, wrong type, queue full)."""

import json

import gradio as gr

from .texts import TEXTS

# Gradio's message -> key of our words; its groups fill {0}, {1}.
_GRADIO = {
    r"^File\(s\) exceed the maximum allowed size of ([\d.,]+ ?\w+): (.*)$": "notice_too_large",
    r"^Invalid file types?: (.*?)\. Only .* allowed\.$": "notice_wrong_kind",
    r"^Invalid file type\. Please upload a file that is one of these formats: .*$": "notice_other_kind",
    r"^Queue is full\..*$": "notice_busy",
    r"^This application is currently busy\..*$": "notice_busy",
    r"^Connection errored out\..*$": "notice_gone",
    r"^Connection to the server was lost\..*$": "notice_gone",
}
_JS = """() => {{
    const notices = {notices}.map(([pattern, words]) => [new RegExp(pattern, "s"), words]);
    const translate = (node) => {{
        const language = document.documentElement.lang === "ja" ? "ja" : "en";
        for (const [pattern, words] of notices) {{
            const found = node.textContent.trim().match(pattern);
            if (found) node.textContent = words[language].replace(/\\{{(\\d)\\}}/g, (_, n) => found[Number(n) + 1]);
        }}
    }};
    const look = () => {{
        for (const node of document.querySelectorAll(".toast-wrap *")) if (!node.childElementCount) translate(node);
    }};
    new MutationObserver(look).observe(document.body, {{childList: true, subtree: true}});
}}"""


def connect(page: gr.Blocks) -> None:
    """Start translating on load."""
    notices = [[pattern, {name: words[key] for name, words in TEXTS.items()}] for pattern, key in _GRADIO.items()]
    page.load(None, js=_JS.format(notices=json.dumps(notices)), api_visibility="private")
