with alike as (
    -- The aims of archived learners come, too; where these were not loaded, nothing says which organisation's name it is.
    select customer, status_id, min(name) as name
    from {{ ref('stg_onefile_learning_aim_statuses') }}
    group by customer, status_id
    having count(distinct lower(trim(name))) = 1
),

named as (
    select
        aims.*,
        learners.learner,
        learners.organisation_id,
        learners.organisation,
        learners.status,
        coalesce(learners.in_learning, false) as in_learning,
        learners.assessor_id,
        learners.assessor,
        standards.title as standard,
        standards.level,
        coalesce(statuses.name, alike.name) as aim_status,
        {{ onefile.is_among('coalesce(statuses.name, alike.name)', 'onefile_aim_statuses_withdrawn') }} as is_withdrawn
    from {{ ref('stg_onefile_learning_aims') }} as aims
    left join {{ ref('onefile_learners') }} as learners
        on aims.customer = learners.customer and aims.learner_id = learners.learner_id
    left join {{ ref('stg_onefile_standards') }} as standards
        on aims.customer = standards.customer and aims.standard_id = standards.standard_id
    left join {{ ref('stg_onefile_learning_aim_statuses') }} as statuses
        on aims.customer = statuses.customer
        and learners.organisation_id = statuses.organisation_id
        and aims.status_id = statuses.status_id
    left join alike
        on learners.learner_id is null and aims.customer = alike.customer and aims.status_id = alike.status_id
)

select
    customer, learning_aim_id, learner_id, learner, organisation, status, in_learning, assessor_id, assessor, standard_id,
    standard, level, aim_status, {{ onefile.rounded('progress') }} as progress, started, planned_end,
    registration_number, registration_date as registered_on, achieved_date as achieved_on,
    certificate_applied_date as certificate_applied_on, certificate_received_date as certificate_received_on,
    case
        when achieved_date <= {{ onefile.today() }} then 'achieved'
        when is_withdrawn then 'withdrawn'
        when planned_end < {{ onefile.today() }} then 'past the planned end'
        else 'in learning'
    end as outcome,
    case
        when achieved_date <= {{ onefile.today() }} and planned_end is not null
            then {{ onefile.days_between('planned_end', 'achieved_date') }} <= {{ var('onefile_days_timely') }}
    end as is_timely,
    {{ onefile.funding_year('started') }} as start_year,
    {{ onefile.funding_period('started') }} as start_period,
    {{ onefile.funding_year('planned_end') }} as planned_end_year,
    {{ onefile.funding_period('planned_end') }} as planned_end_period,
    {{ onefile.funding_year('achieved_date') }} as achieved_year,
    {{ onefile.funding_period('achieved_date') }} as achieved_period
from named
