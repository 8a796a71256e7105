with aims as (
    select
        *,
        -- The year in which an aim counts is that of its planned or of its real end, whichever is later.
        case
            when outcome = 'achieved' and coalesce(achieved_on > planned_end, true) then achieved_year
            else planned_end_year
        end as end_year
    from {{ ref('onefile_aims') }}
),

counted as (
    select
        customer, standard_id, standard, end_year as funding_year,
        1 as ending,
        case when outcome = 'achieved' then 1 else 0 end as achieved,
        case when outcome = 'withdrawn' then 1 else 0 end as withdrawn,
        case when outcome = 'past the planned end' then 1 else 0 end as past_planned_end,
        case when outcome = 'in learning' then 1 else 0 end as in_learning,
        0 as planned_to_end,
        0 as timely
    from aims
    where end_year is not null
    union all
    select
        customer, standard_id, standard, planned_end_year, 0, 0, 0, 0, 0, 1,
        case when is_timely then 1 else 0 end
    from aims
    where planned_end_year is not null
)

select
    customer,
    standard_id,
    standard,
    funding_year,
    sum(ending) as aims_ending,
    sum(achieved) as achieved,
    sum(withdrawn) as withdrawn,
    sum(past_planned_end) as past_planned_end,
    sum(in_learning) as in_learning,
    {{ onefile.rounded('100.0 * sum(achieved) / nullif(sum(ending), 0)') }} as achievement_rate,
    sum(planned_to_end) as aims_planned_to_end,
    sum(timely) as timely,
    {{ onefile.rounded('100.0 * sum(timely) / nullif(sum(planned_to_end), 0)') }} as timely_rate
from counted
group by customer, standard_id, standard, funding_year
