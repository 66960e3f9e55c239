"""ForecastService: translate, delegate, translate back."""

from collections.abc import AsyncIterator
from functools import partial

from grpc.aio import ServicerContext

from fourcast.forecast.v1 import forecast_pb2 as wire
from fourcast.forecast.v1 import forecast_pb2_grpc
from fourcast_models.sequence.backtest import (
    BASELINES,
    HAR,
    baselines,
    corrected,
    evaluate,
    plan_backtest,
)
from fourcast_models.sequence.forecasting import origins_for, outlook_of
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_services import forecast_wire as translate
from fourcast_services.forecast_network import ForecastNetwork, together
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.streams import Streams
from fourcast_services.threads import Threads

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["ForecastService"].full_name

HAR_MODEL = "forecast_har"
"""The statistics that the networks correct, beside them in every backtest."""

_ForecastContext = ServicerContext[wire.ForecastRequest, wire.ForecastResponse]
_BacktestContext = ServicerContext[wire.BacktestRequest, wire.BacktestResponse]


class ForecastServicer(forecast_pb2_grpc.ForecastServiceServicer):
    """Prices of the next days; the proto says what each method promises."""

    def __init__(self, backend: InferenceBackend, threads: Threads, streams: Streams) -> None:
        """Offer forecasts.

        Args:
            backend: Runs the networks.
            threads: Where series are read, intervals corrected and forecasts scored.
            streams: Bounds how many backtests are open at the same time.
        """
        self._backend = backend
        self._threads = threads
        self._streams = streams

    async def Forecast(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ForecastRequest,
        context: _ForecastContext,
    ) -> wire.ForecastResponse:
        """The prices of the next days."""
        horizon = translate.read_horizon(request.horizon, translate.DEFAULT_HORIZON)
        levels = translate.read_levels(request.levels)
        network = self._network(request)
        series = await self._threads.run(lambda: translate.read_series(request))
        answer = await network.forecast(series, origins_for(series, horizon))

        def write() -> wire.ForecastResponse:
            outlook = translate.blaming(
                request,
                lambda: outlook_of(answer.forecasts, series, horizon, answer.trained_until),
            )
            return translate.write_forecast(outlook, series, levels)

        response = await self._threads.run(write)
        response.model = network.name
        response.model_version = answer.version
        response.trained_until = str(answer.trained_until)
        return response

    async def Backtest(  # noqa: N802 - the name is the proto's
        self,
        request: wire.BacktestRequest,
        context: _BacktestContext,
    ) -> AsyncIterator[wire.BacktestResponse]:
        """How good a model was on the last days."""
        with self._streams.one():
            horizon = translate.read_horizon(request.horizon, translate.DEFAULT_BACKTEST_HORIZON)
            days = translate.read_test_days(request.days, horizon)
            series = await self._threads.run(lambda: translate.read_series(request))
            plan = translate.blaming(request, lambda: plan_backtest(series, days, horizon))
            own = self._network(request)
            # By the names that the scores have; HAR may be the one that is tested.
            networks = {HAR: ForecastNetwork(self._backend, HAR_MODEL, "")}
            networks[HAR if own.name == HAR_MODEL else own.name] = own
            # Every forecast is made by a network, two baselines aside, and then corrected.
            total = len(plan.origins) * (2 * len(networks) + len(BASELINES))
            done = 0
            raw: dict[str, Forecasts] = {}
            for name, network in networks.items():
                parts = []
                async for part in network.parts(series, plan.origins):
                    parts.append(part)
                    done += len(part.forecasts)
                    yield _progress(done, total)
                answer = together(parts)
                raw[name] = answer.forecasts
            raw = await self._threads.run(lambda: baselines(plan)) | raw
            intervals: dict[str, Forecasts] = {}
            for name, forecasts in raw.items():
                correct = partial(translate.blaming, request, partial(corrected, plan, forecasts))
                intervals[name] = await self._threads.run(correct)
                done += len(plan.origins)
                yield _progress(done, total)

            def write() -> wire.BacktestResult:
                # The last network is the one that is tested.
                backtest = evaluate(plan, intervals, name, answer.trained_until)
                return translate.write_backtest(backtest, series)

            result = await self._threads.run(write)
            result.model = own.name
            result.model_version = answer.version
            result.trained_until = str(answer.trained_until)
            yield wire.BacktestResponse(result=result)

    def _network(self, request: wire.ForecastRequest | wire.BacktestRequest) -> ForecastNetwork:
        name = request.model or translate.DEFAULT_MODEL
        return ForecastNetwork(self._backend, name, request.model_version)


def _progress(done: int, total: int) -> wire.BacktestResponse:
    return wire.BacktestResponse(progress=wire.Progress(done=done, total=total))
