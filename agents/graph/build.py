"""The graph itself, compiled once per process and shared by all calls.

A turn goes: guard -> listener -> supervisor -> one agent, which may hand on to the next. Nothing
in it is per call: a call's state goes in and comes out, its brief is the context. Nodes are
coroutines though they wait for nothing: LangGraph would run plain functions in threads, one after
another, and a turn would pay for every change of thread.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.graph.answerer import answerer
from agents.graph.greeter import greeter
from agents.graph.guard import guard
from agents.graph.listener import listener
from agents.graph.objections import objections
from agents.graph.qualifier import qualifier
from agents.graph.scheduler import scheduler
from agents.graph.state import Setting, State
from agents.graph.supervisor import supervisor

STEPS_PER_TURN = 12
"""More hand-overs than this in one turn are a mistake in the graph, not a conversation."""


@cache
def conversation_graph() -> CompiledStateGraph[State, Setting, Any, Any]:
    """Return the compiled graph of this process."""
    graph = StateGraph(State, context_schema=Setting)
    graph.add_node("guard", guard)
    graph.add_node("listener", listener)
    graph.add_node("supervisor", supervisor)
    graph.add_node("greeter", greeter)
    graph.add_node("answerer", answerer)
    graph.add_node("qualifier", qualifier)
    graph.add_node("objections", objections)
    graph.add_node("scheduler", scheduler)
    graph.add_edge(START, "guard")
    return graph.compile()
